"""The English words of the `stated_age` grammar: what people write, without the grammar.

Each is the inside of a regular expression over lower-case text. A language more is a module like this one.
"""

from __future__ import annotations

from typing import Final

ONES: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS: Final = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

I_AM: Final = r"i ?'?a?m|i ame|l'm|iam"
I_WILL: Final = r"i'?ll|i will|i shall"
HEDGES: Final = (
    "only|just|like|actually|literally|really|honestly|legit|now|currently|still|already|about|around|barely|"
    "officially|basically|exactly|technically|also|a|an|the|aged?|male|female|over here|almost only"
)
SOON: Final = (
    "almost|nearly|turning|about to be|about to turn|going to be|going to turn|gonna be|gonna turn|"
    "soon to be|soon|going on|close to|becoming"
)
YEARS: Final = r"years?'?s?|ye?a?r'?s?|yers|yaers|y"
OLD: Final = r"olds?|ole?d|of age|young"
PERSON: Final = (
    "girl|boy|kid|child|male|female|man|woman|guy|dude|lady|teen|teenager|student|gamer|human|person"
)
FAMILY_ROLES: Final = (
    "mom|mum|mother|mama|mommy|mummy|dad|father|daddy|papa|parent|grandma|grandpa|nana|teacher|teach|coach|nanny|"
    "tutor|nurse|principal|kids|children|boys|girls|sons?|daughters?|ages|counsell?or|librarian"
)
OWNERS: Final = (
    "my|our|his|her|their|your|have|has|had|of|for|to|with|the|two|this|these|every|any|most|some|teach|like|than|"
    "brother|sister|son|daughter|cousin|niece|nephew|kid|child|he|she|is|was|were|are"
)
THINGS: Final = (
    "app|game|phone|laptop|tablet|ipad|computer|car|house|bug|account|device|company|version|"
    "website|startup|start-up|business|brand|team|band|perspective|viewpoint|standpoint|mindset|brain"
)
UNITS: Final = (
    "percent|degrees?|ft|foot|feet|inch|inches|cms?|mm|kms?|kgs?|lbs?|pounds?|stone|miles?|met(?:er|re)s?|mins?|"
    "minutes?|hrs?|hours?|days?|wks?|weeks?|months?|mo|secs?|seconds?|k|lakh|gb|mb|levels?|episodes?|"
    "pages?|points?|pts?|games?|turns?|steps?|stars?|times|x|wpm|of|out of|down|more|away|behind|ahead|deep|"
    "into|in to|late|short|shy|older|younger|bucks|grade|grader|class|standard|std|o'? ?clock|months?[- ]old|"
    "questions?"
)
NOT_PLURAL: Final = (
    "years|yers|yaers|yrs|this|always|sometimes|thats|yes|thanks|gets|keeps|loves|likes|wants|says|lets|whats|hes|"
    "shes|besides|perhaps|its|his|was|has|does|parents|nowadays|pronouns|texas|kansas|memphis|makes|plays|"
    "means|sucks|needs|cuts|comes|goes|helps|works|cos|cuz"
)
ADVERBS: Final = (
    "and|but|so|really|very|super|also|am|im|i|who|just|still|too|not|its|is|way|much|kinda|years|yrs"
)
COUNTED_SINCE: Final = (
    "of(?! age)|in|into|as|at|ago|sober|clean|together|experience|on|with|free|post|away|from|past|behind|"
    "ahead|late|deep|out|married|since|retired|single|strong|older|younger|apart|removed|long|left|to go|"
    "junior|senior|later|veteran|and [0-9a-z]{1,6} (?:months?|weeks?|days?) (?:in|on|into|sober|post|clean)"
)
RULES_OF_USE: Final = r"\+|(?:or|and|&) (?:older|over|above|more|younger|under|up|below)\b"
SEEMING: Final = (
    "thinks?|thought|thinking|insists?|says?|said|saying|claims?|assumes?|pretend|pretending|pretends|wish|"
    "imagine|believes?|feels?|feeling|as if|as though|unless|whether|(?<!even )if|suppose|lied|lying|dream|"
    "(?:told|tell|tells|telling) (?:me|it|them|him|her|you|us|people|everyone|facebook|google)"
)
NOT_NOW: Final = (
    "until?l?|till?|'til|when|whenever|once|by the time|as soon as|before|after|day|year|moment|time|week"
)
IN_A_SENSE: Final = (
    "at heart|inside|in spirit|mentally|in my head|in (?:dog|cat|internet|human|game|gamer|reddit|people) years"
)

CHILD: Final = "kid|child|minor|little kid|little girl|little boy|young child"
OWN_FAMILY: Final = (
    r"son|daughter|kids?|child|children|boy|girl|baby|brother|sister|cousin|niece|nephew|grand\w{3,9}"
)
KIN: Final = (
    r"sons?|daughters?|brothers?|sisters?|cousins?|nieces?|nephews?|grand\w{3,9}|twins|triplets|baby|toddler|"
    "our youngest|our eldest|puppy|dog|cat"
)
OPENERS: Final = "and|but|so|because|coming|me|that|this is|it's|review"
CORRECTIONS: Final = "i mean|i meant|oops|no wait|wait no|sorry"
FIRM_HEDGES: Final = "only|just|literally|actually|still|already"
AMENDED_PAST: Final = "i was|i had|i used|i loved|i could|i would|i did|i thought|i wanted"
BIRTH_FIELDS: Final = "dob|date of birth|birth ?date|birth ?year|year of birth"
GROUPS: Final = "we|our|company|brand|band|agency|label"
ENJOYS: Final = "loves?|likes|enjoys?|can|could|would"
PROGRESS: Final = "away|into|in to|behind|ahead|late|deep|ago|shy|left|to go"
NOT_NAMES: Final = (
    "chapter|room|level|lvl|page|step|part|day|week|unit|season|episode|grade|year|class|top|vol|volume|no|number|"
    "january|february|march|april|june|july|august|september|october|november|december|mon|tue|wed|thu|fri|sat|sun"
)
CHILD_OF_WHAT: Final = (
    "of|again|person|in|when|during|from the|at heart|psych|therap|care|develop|star|actor|prodigy|protect|"
    "minder|life|advocate|league|magnet|friendly|inside"
)
TRUE: Final = "real|actual|current|true"
WHO_IS: Final = "who is|who's|who am|that is|aged?|age of|around"
