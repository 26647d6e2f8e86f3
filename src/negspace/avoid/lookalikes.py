"""Letters that look like Latin ones, so that words written with them are found.

Only what Unicode's NFKD leaves alone is here: other scripts, small capitals, letters with a stroke, and
letters in boxes. Chosen by hand from the letter shapes of Cyrillic, Greek, Armenian, Cherokee, Latin
extensions and the enclosed alphabets; `tests/avoid/test_matching.py` holds it to plain small letters.
"""

from typing import Final


def _pairs(rows: str) -> dict[str, str]:
    """`a: аɑα` means that each letter after the colon reads as the one before it."""
    table: dict[str, str] = {}
    for row in rows.split("\n"):
        plain, _, letters = row.strip().partition(": ")
        table.update(dict.fromkeys(letters.split(), plain))
    return table


LOOKALIKES: Final[dict[str, str]] = {
    **_pairs(
        """a: а α ɑ ᴀ ⍺ ѧ А Α Ꭺ ƛ ᗅ
        b: ь в β ʙ Ь В Β Ᏼ ɓ ƅ ƃ ᗷ
        c: с ϲ ᴄ ⅽ С Ϲ Ꮯ ƈ ɕ ᑕ
        d: ԁ ᴅ ɗ đ ɖ Ꭰ Đ Ð ð ᗞ
        e: е ε є э ᴇ ɛ ҽ Е Ε Ꭼ ℮ Ɛ ǝ
        f: ғ ꜰ ƒ ϝ Ϝ ẝ Ғ ꬵ
        g: ɡ ց ɢ ԍ ɠ ǥ Ꮐ ƍ
        h: һ հ ʜ ħ н Н Η Ꮋ Һ ɦ Ħ Ꮒ
        i: і ι ı ɪ ӏ ɩ І Ι Ӏ Ꭵ ɨ ǀ ׀ Ɨ
        j: ј ϳ ᴊ յ Ј Ꭻ ɉ ʝ
        k: к κ ᴋ ҝ ƙ К Κ Ꮶ қ ҡ
        l: ł ʟ ɭ ɫ Ł Ꮮ ƚ Ⳑ
        m: м ᴍ ɱ М Μ Ꮇ ϻ Ϻ
        n: п П η ո ɴ ɲ ŋ Ν Ո ռ и И ƞ Ŋ
        o: о ο օ ᴏ ø ѳ σ О Ο Օ Ø ɵ ഠ ০ ჿ ө Ө
        p: р ρ ᴘ þ Р Ρ Ꮲ ƿ Ƥ ƥ
        q: ԛ գ զ ɋ Ԛ
        r: г ʀ ɾ ɼ ᴦ Ꭱ ɽ Г
        s: ѕ ꜱ ʂ ș Ѕ Ꮪ ƨ Տ
        t: т τ ᴛ ŧ ƭ Т Τ Ꭲ Ŧ ț
        u: υ ս ᴜ ʋ ʊ ц Ս μ µ
        v: ѵ ν ᴠ Ѵ Ꮩ ⱱ
        w: ԝ ω ѡ ᴡ ɯ ա Ԝ Ꮃ ш
        x: х χ ҳ Х Χ ᙭ ӽ
        y: у γ ү ʏ ყ У Υ Ү ɏ ƴ ў
        z: ᴢ ʐ ƶ Ζ Ꮓ ʒ ȥ
        ae: æ Æ ӕ ᴁ
        oe: œ Œ"""
    ),
    **{
        chr(first + number): chr(ord("a") + number)
        for first in (0x1F1E6, 0x1F130, 0x1F150, 0x1F170)  # flags' letters and letters in boxes and discs
        for number in range(26)
    },
}

DIGITS: Final[dict[str, str]] = {
    "0": "o",
    "1": "i",
    "3": "e",
    "4": "a",
    "5": "s",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "i",
    "|": "i",
    "€": "e",
    "+": "t",
}
