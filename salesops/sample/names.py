"""Names of people and firms, all invented: lists, and how they are put together."""

from __future__ import annotations

import unicodedata

import numpy as np

from salesops.sample.company import Array, pick

FIRST = (
    "Aisha", "Anders", "Anneliese", "Arjun", "Astrid", "Beatriz", "Bogdan", "Carmen", "Chiara", "Clément", "Dagmar",
    "Dariusz", "Elif", "Emil", "Esra", "Fatou", "Filip", "Françoise", "Giulia", "Hanna", "Henrik", "Ilse", "Inês",
    "Ivan", "Jakub", "Jana", "João", "Jonas", "José", "Katarzyna", "Kenji", "Lea", "Linh", "Łukasz", "Magda", "Malik",
    "Marek", "Márta", "Mateo", "Mei", "Milan", "Mira", "Nadia", "Nils", "Noémie", "Olga", "Omar", "Oskar", "Petra",
    "Priya", "Rafael", "René", "Rosa", "Samuel", "Sara", "Søren", "Tereza", "Thabo", "Ulrike", "Věra", "Wei", "Yusuf",
    "Zoë", "Zuzana",
)  # fmt: skip  # lists of names stay dense
LAST = (
    "Abalde", "Adeyinka", "Almgren", "Andrasek", "Arslan", "Baudrin", "Becher", "Bielak", "Brandner", "Carvalhal",
    "Castellari", "Cermak", "Chaudhari", "Dahlberg", "Delorme", "Dvorsky", "Eklöf", "Escudero", "Falkner", "Ferrandi",
    "Fontaneda", "Gallmann", "Gärtner", "Grabowicz", "Haddadi", "Halloran", "Hofstätter", "Horvathy", "Iversholt",
    "Jankovec", "Joubertin", "Kaminsky", "Kertész", "Kjeldgaard", "Kowalik", "Küpper", "Lacroisier", "Lindqvister",
    "Lobato", "Mancuso", "Marchetto", "Matsuda", "Mbekani", "Meindl", "Mørch", "Navarrete", "Nemethy", "Nguyenova",
    "Nordhaus", "Oberlack", "Okonjo", "Olszewik", "Palmqvist", "Pereirinha", "Pichler", "Quintanal", "Rasmussal",
    "Reutter", "Rossignol", "Sandovar", "Schönbeck", "Sedlak", "Silveira", "Stavros", "Svensby", "Szalay", "Takemori",
    "Tessarin", "Thorvald", "Ulbrich", "Valadier", "Vasquero", "Vermeylen", "Vogtland", "Wachter", "Wiśnicki",
    "Yildirimer", "Zandbergen", "Zemanek", "Zúñigo",
)  # fmt: skip
ROOTS = (
    "Adlerhof", "Alvarno", "Ambrosch", "Arbolé", "Bergquell", "Birkwald", "Blauort", "Borealis Nord", "Brückner Sohn",
    "Cascatel", "Cormelin", "Dalgård", "Delvaro", "Dornfeld", "Eichmoor", "Elbtor", "Estrelar", "Fjordlund", "Forlani",
    "Garrigal", "Glanzer", "Granero", "Hagenbruck", "Helvigo", "Hochrain", "Isarbrunn", "Jaromin", "Kaltenau",
    "Karlovit", "Kestralin", "Kronwerth", "Lagomar", "Lindenkamp", "Lumarco", "Marisel", "Mellgren", "Montorel",
    "Moravit", "Nordkamm", "Novapolis", "Oltramar", "Ostrelle", "Pallavin", "Pernstej", "Podgórze Sud", "Quellbach",
    "Ravensmoor", "Riomar", "Rotbuch", "Saint-Arval", "Sandvarn", "Silberau", "Solvarno", "Steinhaven", "Strandby",
    "Tatralin", "Tiefenthal", "Torrevent", "Ulmenhain", "Valdorno", "Veltrusk", "Vésuvin", "Visloka", "Waldmark",
    "Weissach Nord", "Westerholm", "Zabrod", "Zirbental",
)  # fmt: skip
TRADES = (
    "Automation", "Breweries", "Ceramics", "Conveyors", "Dairy", "Elevators", "Foods", "Forestry", "Foundry", "Glass",
    "Hydraulics", "Logistics", "Machinery", "Marine", "Medical", "Mining", "Optics", "Packaging", "Paper", "Plastics",
    "Power", "Presses", "Rail", "Robotics", "Steel", "Textiles", "Tooling", "Turbines", "Water", "Wind",
)  # fmt: skip
FORMS = {
    "Germany": "GmbH", "Denmark": "A/S", "Sweden": "AB", "Italy": "S.r.l.", "Spain": "S.L.", "Portugal": "Lda.",
    "Poland": "Sp. z o.o.", "Czechia": "s.r.o.", "Hungary": "Kft.", "France": "SARL", "Belgium": "BV",
    "Netherlands": "B.V.", "Austria": "GmbH", "Slovenia": "d.o.o.", "Switzerland": "AG",
}  # fmt: skip


def people(rng: np.random.Generator, count: int) -> Array:
    """Return names of people, none twice while there are enough."""
    total = len(FIRST) * len(LAST)
    drawn = rng.permutation(total)[:count] if count <= total else rng.integers(0, total, count)
    first, last = np.array(FIRST, dtype=object), np.array(LAST, dtype=object)
    return np.asarray(first[drawn // len(LAST)] + " " + last[drawn % len(LAST)])


def firms(rng: np.random.Generator, countries: Array) -> tuple[Array, Array]:
    """Return names of firms in these countries, none twice while there are enough, and their trades."""
    total = len(ROOTS) * len(TRADES)
    drawn = rng.permutation(total)[: len(countries)]
    if len(countries) > total:
        drawn = rng.integers(0, total, len(countries))
    trades = np.array(TRADES, dtype=object)[drawn % len(TRADES)]
    forms = np.array([FORMS[country] for country in countries], dtype=object)
    return np.array(ROOTS, dtype=object)[drawn // len(TRADES)] + " " + trades + " " + forms, trades


def addresses(names: Array, domain: str) -> Array:
    """Return e-mail addresses under the reserved top level .example."""
    plain = {name: _ascii(name) for name in dict.fromkeys(names)}
    return np.array([f"{plain[name]}@{domain}.example" for name in names], dtype=object)


def titles(rng: np.random.Generator, count: int) -> Array:
    """Return positions of people at customers."""
    known = ("Buyer", "Head of Purchasing", "Plant Manager", "Maintenance Lead", "Chief Engineer", "Managing Director")
    return pick(rng, known, count, (0.34, 0.18, 0.16, 0.16, 0.1, 0.06))


def _ascii(name: str) -> str:
    bare = name.translate(str.maketrans("øØłŁ", "oOlL"))
    folded = unicodedata.normalize("NFKD", bare).encode("ascii", "ignore").decode()
    return ".".join(folded.lower().split())
