"""The clauses of a complaint in plain small words, without contractions, chat spellings and emoji."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from negspace.avoid.matching import fold

_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")
_CLAUSE_END = re.compile(
    r"[,;:()]+|\s+(?:that )?(?=(?:i|you|we) (?:can't|cannot|can not|can hardly|can barely|could not|couldn't)\b)|\s+(?:but|although|though|yet|because|apart from|however|plus|while|then|except(?: for)?)\s+"
    r"|\s+and\s+(?!white\b|again\b|over\b)|\s+-+\s+|\s*[–—]\s*"  # noqa: RUF001
)

_LIST = re.compile(r"\b((?:less|fewer|more|no) \w+) (?=(?:less|fewer|more|no) \w)")
_TURN = re.compile(r"\b(?:but|although|though|yet|apart from|however|except)\b")
_ASKED_FOR_ONE = re.compile(
    r"\b(?:asked for|ordered|wanted|requested|said|need|needed) (?:only |just )?(?:one|a single) [^.]*?\b(?:and|but|,)? ?"
    r"(?:there (?:are|is)|(?:i )?(?:got|see|count)|(?:you|it|he|she) (?:gave|made|drew|has|put)(?: me)?) (?:two|three|four|five|six|"
    r"several|many|multiple)\b.*"
)
_EXCEPTION = re.compile(
    r"\b(everything|all of it|all) (except(?: for)?|but|apart from|other than) (.+?) "
    r"((?:is|are|looks?|was) .+)$"
)

_PLAIN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"👍|❤|🔥|😍|👌|💯|🎉|😊|\+1\b", " great "),
        (r"👎|🤮|😡|🙄|-1\b", " bad "),
        (r"[’`]", "'"),
        (r"\bwon'?t\b", "will not"),
        (r"\b(?:can'?t|cannot)\b", "can not"),
        (r"\b(do|does|did|is|are|was|were|have|has|had|should|would|could|need|must|ai)n'?t\b", r"\1 not"),
        (r"\b(it|that|there|what|where|who|how|here|he|she|why|everything|this)'s\b", r"\1 is"),
        (r"\b(there|that|what|where)s\b", r"\1 is"),
        (r"\b(i)'?m\b", r"\1 am"),
        (r"'re\b", " are"),
        (r"\bi'?ve\b|\bive\b", "i have"),
        (r"'ve\b", " have"),
        (r"'ll\b", " will"),
        (r"'d\b", " would"),
        (r"\blet'?s\b", "let us"),
        (r"\b(?:plz|pls|plss)\b", "please"),
        (r"\b(?:thx|ty|tysm)\b", "thanks"),
        (r"\b(?:would|do) you mind\b(?: not)?", "please"),
        (r"^(?:there is )?no (?:sign|trace) of (.+)$", r"\1 is gone"),
        (r"^(?:how about|what if(?: we| you| it)?) ", "please "),
        (r"^what is with (.+)$", r"there is \1"),
        (r"^what (?:is|are) (.+?) doing (?:there|here|(?:in|on|at) .+)$", r"there is \1"),
        (r"\b(?:undo|revert|cancel|reverse) (?:the )?(.+?) removal", r"bring back \1"),
        (
            r"(?<=\w)'s (?=(?:gone|too|so|very|way|really|all|not|still|just|bang|spot|slightly|a bit|kind|perfect|great|"
            r"good|fine|off|been|missing|back|wrong|weird|lovely|nice|much|finally|no|now|got|looking|getting)\b)",
            " is ",
        ),
        (r"^(.+?) (?:is|are|looks?) (?:now |finally )?([a-z]+)[- ]free\b", r"\2 is gone"),
        (r"\bloose (?=(?:the|that|those|his|her|this|these|my)\b)", "lose "),
        (
            r"\b(?:has|have|had|is|are) gone (?=(?:all |a bit |completely |totally |very |so )?"
            r"(?:\w+ish|green|blue|red|yellow|orange|pink|purple|gr[ae]y|black|white|brown|wrong|weird|dark|flat|soft|blurry)\b)",
            "is ",
        ),
        (r"\bto{3,}\b", "too"),
        (r"\bthese's\b", "these are"),
        (r"\btheres\b", "there is"),
        (r"\bcud\b", "could"),
        (r"\bwud\b", "would"),
        (r"\bshud\b", "should"),
        (r"\b(he|she)s\b", r"\1 is"),
        (r"\b(they|you)re\b", r"\1 are"),
        (r"\bim\b", "i am"),
        (r"\b(how|here|why)s\b", r"\1 is"),
        (r"\bgimme\b", "give me"),
        (r"\blemme\b", "let me"),
        (r"\bdunno\b", "do not know"),
        (r"\b(?:rly|rlly)\b", "really"),
        (r"\br\b", "are"),
        (r"\bn\b", "and"),
        (r"\bw/o\b", "without"),
        (r"\b(?:cuz|coz|cos)\b", "because"),
        (
            r"^why (?=(?:a|an|the|all the|all those|all these|so many|so much)\b(?! \w+ (?:is|are)\b))",
            "why is there ",
        ),
        (r"^again with (?=(?:the|that|those|this|these)\b)", "still "),
        (r"(\w)\1{2,}", r"\1"),
        (r"^next$", "next one"),
        (r"^we (?=(?:finally |have )?(?:got|gotten|removed|lost|fixed)\b)", "you "),
        (
            r"\bso (?:real|lifelike|good|tasty|cute|pretty|beautiful|funny|delicious)(?: that)? (?:i|we|my|it)\b.*",
            "great",
        ),
        (r"\b(better|nicer|prettier) than (?:no|without) .+", r"\1"),
        (r"\b(?:the )?(?:number|amount|quantity) of (?!the\b)", ""),
        (r"\bresembles?\b", "looks like"),
        (
            r"\b(\w+) (?:now |finally )?looks? like (?:a |an |real |actual |normal |proper |human )?\1\b(?: now)?",
            r"\1 look right now",
        ),
        (r"^again$", "try again"),
        (r"^(?:please )?give me \w+ more$", "give me another one"),
        (r"^i (?:can )?(?:see|notice|noticed) (?:that )?(?=you\b)", ""),
        (r"^(?:can|could) the .+? be (less|more) ", r"\1 "),
        (r"^it (?:has |finally )?(?:stopped|quit) (\w+ing)\b", r"\1 is gone"),
        (r"\b(in|at|on|from) the back\b(?! of)", r"\1 the background"),
        (
            r"^(?:somebody|someone) (?:has |just )?(?:left|forgot|put|dropped|placed|stuck|drew|added) ",
            "there is ",
        ),
        (
            r"^why (is|are|was|were) ((?:the|his|her|their|its|my|this|that|these|those) \w+|he|she|they) (?!there\b)",
            r"why \2 \1 ",
        ),
        (r"(?<=\w)'s (?=\w{3,}ing\b)", " is "),
        (r"\bfine (?=(?:lines?|prints?|details?|art|hairs?|mesh)\b)", "thin "),
        (r"^(?:it )?(?:looks|seems|appears|sounds) (?:like|as if|that) (?=(?:you|the|it|we|they|i)\b)", ""),
        (
            r"^(?:can|could) (?:we|you|i) (?:please )?not (?:have|put|use|include|show|add|make|draw)\b",
            "remove",
        ),
        (
            r"^(?:you|we|i|one) can (?:still |clearly |actually |even )?(?:see|spot|notice|count) ",
            "there is ",
        ),
        (r"\bi keep (?:getting|seeing) ", "there is still "),
        (
            r"^(?:please |can (?:we|i|you) |could (?:we|i|you) |let us |i want to |i would like to |i want |i would like )"
            r"(?:please )?(?:have |see |get )?((?:the|my|that) .+?|them|it|those) again$",
            r"bring back \1",
        ),
        (r"^its (?=(?:\w+ing|too|so|very|way|all|not|a bit|really|just|still|got)\b)", "it is "),
        # "no, it is dark"
        (r"^no (?=(?:that|it|this|i|you|the|a|his|her)\b)", ""),
        (r"\bkinda\b", "kind of"),
        (r"\bsorta\b", "sort of"),
        (r"\bwanna\b", "want to"),
        (r"\bgonna\b", "going to"),
        (r"\bgotta\b", "have to"),
        (r"\balot\b", "a lot"),
        (r"\b(?:ok|k)\b", "okay"),
        (r"\bu\b", "you"),
        (r"\bur\b", "your"),
        (r"\bany more\b(?! \w)", "anymore"),
        (r"\bb&w\b", "black and white"),
        # doing it over and over is doing it still
        (
            r"\b(?:keeps|(?<=you )keep|(?<=they )keep|(?<=to )keep|(?<=we )keep) (?:on )?(?=\w{3,}ing\b)",
            "still ",
        ),
    )
)


class Clause(NamedTuple):
    """A part of a complaint that says one thing.

    Attributes:
        text: as it was written, in small letters.
        plain: its words, without contractions.
        asks: whether it is the last of a sentence that ends with a question mark.
        loud: whether its sentence ends with an exclamation mark.
        sentence: the plain words of its sentence.
        turned: whether it is set against the one before: "but", "except for".
        joined: whether it follows an "and".
        place: how many clauses of its sentence stand before it.
    """

    text: str
    plain: str
    asks: bool = False
    loud: bool = False
    sentence: str = ""
    turned: bool = False
    joined: bool = False
    place: int = 0


def clauses_of(complaint: str) -> Iterator[Clause]:
    """The clauses of a complaint in order."""
    folded, _ = fold(complaint)
    folded = _ASKED_FOR_ONE.sub("there are duplicates", folded)
    for sentence in _SENTENCE.findall(_LIST.sub(r"\1, ", _EXCEPTION.sub(r"\1 \4 except \3", folded))):
        end = sentence[len(sentence.rstrip(".!?\n ")) :]
        parts = [part.strip(" .!?\n\"'") for part in _CLAUSE_END.split(sentence)]
        ends = ["", *(between[0] for between in _CLAUSE_END.finditer(sentence))]
        kept = [(part, between) for part, between in zip(parts, ends, strict=True) if part]
        for number, (part, between) in enumerate(kept):
            asks = "?" in end and number == len(kept) - 1
            turned = _TURN.search(between) is not None or part.startswith(("just the ", "only the "))
            joined = re.search(r"\band\b", between) is not None
            yield Clause(
                part, plain_words(part), asks, "!" in end, plain_words(sentence), turned, joined, number
            )


def plain_words(text: str) -> str:
    """A folded text without contractions, chat spellings and signs."""
    for pattern, plain in _PLAIN:
        text = pattern.sub(plain, text)
    return " ".join(re.findall(r"[\w'&-]+", text))
