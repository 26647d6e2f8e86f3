"""Words of locked terms that must be found, and harmless look-alikes that must be left alone, as data."""

POLICY = """
name: words
version: 1
explain: A policy of many words.
locked: true
avoid:
  - {term: nazi, also: [swastika]}
  - {term: axe}
  - {term: hero}
  - {term: zombie}
  - {term: policeman}
  - {term: thief}
  - {term: hat}
  - {term: watermark, unless: [watermark paper]}
  - {term: knife, also: [gun]}
  - {term: witch}
  - {term: wolf}
  - {term: child}
  - {term: mouse}
  - {term: tooth}
  - {term: goose}
  - {term: scarf}
  - {term: fairy}
  - {term: bloody}
  - {term: scary}
  - {term: nude}
  - {term: cactus}
  - {term: tattoo}
  - {term: blur}
  - {term: bleed}
  - {term: drug}
  - {term: smoke, unless: [smoked salmon]}
  - {term: weapon}
  - {term: corpse}
  - {term: person}
  - {term: class mark}
"""

FOUND = tuple(
    """nazis swastikas axes heroes zombies policemen thieves hats hatted watermarks watermarked watermarking
    knives knifed guns gunned gunning witches wolves children mice teeth geese scarves scarfs fairies bloodier
    bloodiest scarier scariest nudes cacti cactuses tattoos tattooed tattooing blurs blurred blurring bleeds
    bled bleeding drugs drugged drugging smokes smoked smoking weapons corpses people persons nazi's
    heroes' thieves' axed axing wolves' zombies' policemen's knife's knifing gun's witch's mouse's goose's
    child's scarf's tooth's hat's hero's drug's corpse's""".split()
)
"""Plurals, possessives and inflected forms, each of a term above."""

EMOJI = ("🎩", "👒", "🔪", "🔫", "🧟", "🐺", "🐭")
MISSPELT = tuple(
    """zombei zombbie polceman waterrmark wattermark tattooo weopon coprse swastica watremark""".split()
)

HARMLESS = tuple(
    text.strip()
    for text in """
    classical; hatch; a hatchback; chatting friends; that; a chateau; hate mail; hater; what; somewhat;
    a shatter pattern; axis of symmetry; relaxed; taxes; wax; maxed out; heron; heroine; herbs; a superb view;
    watermelon; watercolour; waterfall; water lilies; bookmarks; landmark; trademark; Denmark; remarkable;
    watermark paper museum; begun; gunmetal grey; burgundy; Gunther; knight; knit; kneading dough; switch;
    sandwich; twitching; which; swolf; wolfram lamp; Wolverhampton; childlike wonder of art; house; moose;
    moustache; booth; smooth; toothpick; gooseberry; lagoon; scarlet; scar; scarab; fair; affair; fairground;
    ferry; bloodhound; blooming; bloom; flood; scarce; scared crow; denude; nudge; prude; dune; cactuslike;
    taboo; tatting; blurb; blue; bleach; breed; bleak; drudgery; rug; shrug; drum; smock; smote; smooch;
    smoked salmon; weaponless; corps; corporate; copse; corset; boxed; fox; oxide; oxford shoes; oxygen;
    personal; impersonate; persona; parson; arson; hayride; class; classmate; glass; marked; a marketplace;
    hattrick; hatpin; hash; ham; heat; hut; hot; cat; bat; mat; thieve; brief; chief; belief; grief;
    a zoom lens; zodiac; policy; police car; polite; politician; wizard; wish; wick; gust; gum; gut;
    teething; tool; toots; greasy; copper; mouthwash""".split(";")
)
