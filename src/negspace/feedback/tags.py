"""Parts of speech, by the tagger that TextBlob ships: a lexicon of 93,000 words and rules, without a download.

Tags are those of the Penn Treebank: NN a noun, JJ an adjective, VBZ a verb in the third person.
"""

from collections.abc import Sequence
from functools import lru_cache


@lru_cache(maxsize=512)
def tags_of(words: tuple[str, ...]) -> Sequence[str]:
    """The tag of each word of a clause in plain small words."""
    # slow to import, and only needed where somebody complains
    from textblob.en import tag

    tagged = tag(" ".join(words), tokenize=False)
    return tuple(found for _, found in tagged)
