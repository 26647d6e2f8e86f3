"""Statistics for pictures made in pairs on the same seeds. Needs numpy and scipy, and no torch.

The unit is a pair: one seed, once without and once with what is tested. A pair *helped* where the unwanted
thing is there without and gone with it, and *harmed* where it is there only with it.
"""

try:
    import scipy as _scipy  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("the lab needs scipy: pip install 'negspace[lab]'", name="scipy") from error

from negspace.lab.stats.equivalence import Equivalence, equivalent_means, equivalent_shares
from negspace.lab.stats.evidence import Bets, e_bh, log_evidence, net_interval
from negspace.lab.stats.paired import McNemar, mcnemar, mcnemar_p, score_interval, score_z
from negspace.lab.stats.resampling import Bootstrap, SignFlip, cluster_bootstrap, sign_flip
from negspace.lab.stats.size import (
    least_mean_pairs,
    mcnemar_power,
    pairs_for_mcnemar,
    pairs_for_trial,
    pairs_to_exclude,
    prompts_for_mean,
)
from negspace.lab.stats.variety import mean_similarity, vendi

__all__ = [
    "Bets",
    "Bootstrap",
    "Equivalence",
    "McNemar",
    "SignFlip",
    "cluster_bootstrap",
    "e_bh",
    "equivalent_means",
    "equivalent_shares",
    "least_mean_pairs",
    "log_evidence",
    "mcnemar",
    "mcnemar_p",
    "mcnemar_power",
    "mean_similarity",
    "net_interval",
    "pairs_for_mcnemar",
    "pairs_for_trial",
    "pairs_to_exclude",
    "prompts_for_mean",
    "score_interval",
    "score_z",
    "sign_flip",
    "vendi",
]
