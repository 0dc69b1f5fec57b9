"""Currencies as people write them beside an amount: signs, short words, ISO codes, names."""

from __future__ import annotations

CODES = (
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "HKD",
    "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "MAD", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP",
    "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR",
)  # fmt: skip  # a list of words
NAMES = {
    "AUSTRALIAN DOLLAR": "AUD", "BRAZILIAN REAL": "BRL", "BRITISH POUND": "GBP", "CANADIAN DOLLAR": "CAD",
    "DOLLAR": "USD", "EURO": "EUR", "EUROS": "EUR", "INDIAN RUPEE": "INR", "JAPANESE YEN": "JPY",
    "POUND STERLING": "GBP", "SWEDISH KRONA": "SEK", "SWISS FRANC": "CHF", "U.S. DOLLAR": "USD", "US DOLLAR": "USD",
    "YEN": "JPY",
}  # fmt: skip  # reads as a table
_MARKS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₪": "ILS", "₫": "VND",
    "₱": "PHP", "฿": "THB", "₦": "NGN", "R$": "BRL", "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD",
    "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "NT$": "TWD", "MX$": "MXN", "ZŁ": "PLN", "KČ": "CZK",
    "FT": "HUF", "FR": "CHF", "SFR": "CHF", "円": "JPY", "元": "CNY", "EURO": "EUR",
}  # fmt: skip  # reads as a table
# marks of several currencies: which, and which of them where the book has none of these
_SHARED = {
    "$": ("USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP", "USD"),
    "¥": ("JPY CNY", "JPY"),
    "￥": ("JPY CNY", "JPY"),
    "\\": ("JPY", "JPY"),  # so cp932 writes the yen
    "KR": ("SEK NOK DKK ISK", ""),
    "RS": ("INR PKR", ""),
}

_LETTERS = sorted({mark for mark in (*CODES, *_MARKS, *_SHARED) if mark[0].isalpha()}, key=len, reverse=True)
WORDS = "(?i:" + "|".join(mark.replace("$", r"\$") for mark in _LETTERS) + r")\.?"
"""A regular expression for the words that stand beside an amount, such as EUR, kr. and R$."""


def marks(own: str) -> dict[str, str]:
    """Return the ISO code of each mark, in capitals, in a company whose books are kept in `own`.

    A sign of several currencies, such as $, is the company's own if that is one of them.
    """
    shared = {mark: own if own in codes.split() else usual for mark, (codes, usual) in _SHARED.items()}
    return {code: code for code in CODES} | _MARKS | {mark: code for mark, code in shared.items() if code}
