"""Autoencoders: what turns a picture into latents and back. One final subclass a kind."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, final

from negspace.models.architecture.parts import ModelPart

if TYPE_CHECKING:
    from torch import Tensor

_KINDS = "diffusers.models.autoencoders"


class Autoencoder(ModelPart, ABC):
    """A part that makes latents of pictures and pictures of latents."""

    @abstractmethod
    def pixels_per_latent(self, settings: Mapping[str, Any]) -> int:
        """Pixels along a side that one latent stands for."""

    @abstractmethod
    def latent_channels(self, settings: Mapping[str, Any]) -> int:
        """Numbers in a latent."""

    @abstractmethod
    def normalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        """[rows, channels, height, width], its own latents as the denoiser knows them."""

    @abstractmethod
    def denormalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        """What `normed` took, of what it gave."""

    @abstractmethod
    def encode(self, network: Any, pictures: "Tensor") -> "Tensor":
        """[rows, channels, height, width], its own latents of pictures [rows, 3, height, width] from -1 to 1.

        The mean of what they may be, and no draw from it.
        """

    def decode(self, network: Any, latents: "Tensor") -> "Tensor":
        """[rows, 3, height, width] from -1 to 1, the pictures of its own latents."""
        return network.decode(latents, return_dict=False)[0]


@final
class KlAutoencoder(Autoencoder):
    """AutoencoderKL: latents are scaled and shifted by a number, or by one a channel."""

    def pixels_per_latent(self, settings: Mapping[str, Any]) -> int:
        return 2 ** (len(settings["block_out_channels"]) - 1)

    def latent_channels(self, settings: Mapping[str, Any]) -> int:
        return int(settings["latent_channels"])

    def normalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        mean, spread = _by_channel(settings, latents)
        if mean is not None and spread is not None:
            return (latents - mean) * settings["scaling_factor"] / spread
        return (latents - (settings.get("shift_factor") or 0.0)) * settings["scaling_factor"]

    def denormalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        mean, spread = _by_channel(settings, latents)
        if mean is not None and spread is not None:
            return latents * spread / settings["scaling_factor"] + mean
        return latents / settings["scaling_factor"] + (settings.get("shift_factor") or 0.0)

    def encode(self, network: Any, pictures: "Tensor") -> "Tensor":
        return network.encode(pictures).latent_dist.mode()


@final
class DeepCompressionAutoencoder(Autoencoder):
    """AutoencoderDC of Sana: far more pixels a latent, and nothing to draw from."""

    def pixels_per_latent(self, settings: Mapping[str, Any]) -> int:
        return 2 ** (len(settings["encoder_block_out_channels"]) - 1)

    def latent_channels(self, settings: Mapping[str, Any]) -> int:
        return int(settings["latent_channels"])

    def normalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        return latents * settings["scaling_factor"]

    def denormalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        return latents / settings["scaling_factor"]

    def encode(self, network: Any, pictures: "Tensor") -> "Tensor":
        return network.encode(pictures, return_dict=False)[0]


@final
class VideoAutoencoder(Autoencoder):
    """AutoencoderKLQwenImage, made for films: a picture is a film of one frame."""

    def pixels_per_latent(self, settings: Mapping[str, Any]) -> int:
        return 2 ** len(settings["temperal_downsample"])

    def latent_channels(self, settings: Mapping[str, Any]) -> int:
        return int(settings["z_dim"])

    def normalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        mean, spread = _by_channel(settings, latents)
        return (latents - mean) / spread

    def denormalize(self, settings: Mapping[str, Any], latents: "Tensor") -> "Tensor":
        mean, spread = _by_channel(settings, latents)
        return latents * spread + mean

    def encode(self, network: Any, pictures: "Tensor") -> "Tensor":
        return network.encode(pictures[:, :, None]).latent_dist.mode()[:, :, 0]

    def decode(self, network: Any, latents: "Tensor") -> "Tensor":
        return network.decode(latents[:, :, None], return_dict=False)[0][:, :, 0]


def _by_channel(settings: Mapping[str, Any], latents: "Tensor") -> "tuple[Any, Any]":
    """Mean and spread of latents, [1, channels, 1, 1] each, or None where the settings name none."""
    statistics = (settings.get("latents_mean"), settings.get("latents_std"))
    mean, spread = (
        None if values is None else latents.new_tensor(values).reshape(1, -1, 1, 1) for values in statistics
    )
    return mean, spread


KL: Final = KlAutoencoder("vae", f"{_KINDS}.autoencoder_kl", "AutoencoderKL")
DEEP_COMPRESSION: Final = DeepCompressionAutoencoder("vae", f"{_KINDS}.autoencoder_dc", "AutoencoderDC")
VIDEO: Final = VideoAutoencoder("vae", f"{_KINDS}.autoencoder_kl_qwenimage", "AutoencoderKLQwenImage")
