"""Autoencoders turn a picture into latents and back. One final subclass a kind."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, final

from negspace.models.architecture.parts import ModelPart

if TYPE_CHECKING:
    from torch import Tensor

_MODULES = "diffusers.models.autoencoders"


class Autoencoder(ModelPart, ABC):
    """A part that encodes pictures as latents and decodes latents to pictures."""

    @abstractmethod
    def pixels_per_latent(self, settings: Mapping[str, Any]) -> int:
        """Pixels along a side of one latent."""

    def latent_channels(self, settings: Mapping[str, Any]) -> int:
        """Channels of the latents."""
        return int(settings["latent_channels"])

    @abstractmethod
    def normalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        """Its own latents, [rows, channels, height, width], as the denoiser takes them."""

    @abstractmethod
    def denormalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        """The inverse of `normalize`."""

    @abstractmethod
    def encode(self, network: Any, pictures: "Tensor") -> "Tensor":
        """[rows, channels, height, width], its own latents of pictures [rows, 3, height, width] from -1 to 1.

        The mode of their distribution, not a sample from it.
        """

    def decode(self, network: Any, latents: "Tensor") -> "Tensor":
        """[rows, 3, height, width] from -1 to 1, the pictures of its own latents."""
        return network.decode(latents, return_dict=False)[0]


@final
class KlAutoencoder(Autoencoder):
    """AutoencoderKL: latents are scaled and shifted by a number, or by one a channel."""

    def pixels_per_latent(self, settings: Mapping[str, Any]) -> int:
        return 2 ** (len(settings["block_out_channels"]) - 1)

    def normalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        mean, deviation = _by_channel(settings, latents)
        if mean is not None and deviation is not None:
            return (latents - mean) * settings["scaling_factor"] / deviation
        return (latents - (settings.get("shift_factor") or 0.0)) * settings["scaling_factor"]

    def denormalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        mean, deviation = _by_channel(settings, latents)
        if mean is not None and deviation is not None:
            return latents * deviation / settings["scaling_factor"] + mean
        return latents / settings["scaling_factor"] + (settings.get("shift_factor") or 0.0)

    def encode(self, network: Any, pictures: "Tensor") -> "Tensor":
        return network.encode(pictures).latent_dist.mode()


@final
class DeepCompressionAutoencoder(Autoencoder):
    """AutoencoderDC of Sana: far more pixels a latent, and no distribution."""

    def pixels_per_latent(self, settings: Mapping[str, Any]) -> int:
        return 2 ** (len(settings["encoder_block_out_channels"]) - 1)

    def normalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        return latents * settings["scaling_factor"]

    def denormalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        return latents / settings["scaling_factor"]

    def encode(self, network: Any, pictures: "Tensor") -> "Tensor":
        return network.encode(pictures, return_dict=False)[0]


@final
class VideoAutoencoder(Autoencoder):
    """AutoencoderKLQwenImage, made for videos: a picture is a video of one frame."""

    def pixels_per_latent(self, settings: Mapping[str, Any]) -> int:
        return 2 ** len(settings["temperal_downsample"])

    def latent_channels(self, settings: Mapping[str, Any]) -> int:
        return int(settings["z_dim"])

    def normalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        mean, deviation = _by_channel(settings, latents)
        return (latents - mean) / deviation

    def denormalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        mean, deviation = _by_channel(settings, latents)
        return latents * deviation + mean

    def encode(self, network: Any, pictures: "Tensor") -> "Tensor":
        return network.encode(pictures[:, :, None]).latent_dist.mode()[:, :, 0]

    def decode(self, network: Any, latents: "Tensor") -> "Tensor":
        return network.decode(latents[:, :, None], return_dict=False)[0][:, :, 0]


def _by_channel(settings: Mapping[str, Any], latents: "Tensor") -> "tuple[Any, Any]":
    """Mean and standard deviation of latents, [1, channels, 1, 1] each; None where the settings have none."""
    mean, deviation = (
        None if values is None else latents.new_tensor(values).reshape(1, -1, 1, 1)
        for values in (settings.get("latents_mean"), settings.get("latents_std"))
    )
    return mean, deviation


KL: Final = KlAutoencoder("vae", f"{_MODULES}.autoencoder_kl", "AutoencoderKL")
DEEP_COMPRESSION: Final = DeepCompressionAutoencoder("vae", f"{_MODULES}.autoencoder_dc", "AutoencoderDC")
VIDEO: Final = VideoAutoencoder("vae", f"{_MODULES}.autoencoder_kl_qwenimage", "AutoencoderKLQwenImage")
