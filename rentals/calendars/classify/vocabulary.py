"""How the words of a language are kept, and words that belong to no language. Pure data; `languages` has the words.

`block` words mean that nobody comes: closed days, the owner's own use, work on the house.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one language, several separated by "|"."""

    stay: str
    block: str
    tentative: str
    marker: str  # the arrival or departure of a stay that has its own event
    cancelled: str


#: What calendars write when they only say that the time is taken: no name of a guest.
NAMELESS = (
    "busy|occupied|taken|belegt|besetzt|occupé|occupée|ocupado|ocupada|occupato|occupata|bezet|zajęte|zajęty|obsazeno"
    "|obsadené|upptagen|optaget|opptatt|varattu aika|κατειλημμένο|elfoglalt|ocupat|zauzeto|занято|зайнято|заето|dolu"
    "|meşgul"
    "|予定あり|忙碌|忙|已占用|已佔用|바쁨|한가하지 않음"
)

#: Names of channels that exporters put around the words: "Airbnb (Not available)", "Dana (booking.com)".
CHANNEL_NAMES = (
    "airbnb|booking.com|vrbo|homeaway|abritel|fewo-direkt|fewo direkt|expedia|agoda|tripadvisor|guesty|smoobu"
    "|hostaway|hospitable|ownerrez|beds24|lodgify|hostfully|tokeet|direct|website|marriott|google|hometogo|holidu"
    "|stayz|bookabach|manual|bookingcom|airbnbofficial|bookingengine"
)
