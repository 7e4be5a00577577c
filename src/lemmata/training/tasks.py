"""Small tasks whose data is made on the spot: reversing and sorting digits, dates, numbers in words."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable

Pair = tuple[str, str]

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_CHINESE = "〇一二三四五六七八九"


def chinese_count(number: int) -> str:
    """1 to 99 as Chinese counts: 十, 十一, 二十三."""
    tens, ones = divmod(number, 10)
    return (("" if tens == 1 else _CHINESE[tens]) + "十" if tens else "") + (_CHINESE[ones] if ones else "")


def _dates(chance: random.Random) -> Pair:
    day = datetime.date.fromordinal(chance.randrange(datetime.date(1900, 1, 1).toordinal(),
                                                     datetime.date(2100, 1, 1).toordinal()))  # fmt: skip
    month = _MONTHS[day.month - 1]
    year = "".join(_CHINESE[int(x)] for x in str(day.year))
    forms = [
        f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}", f"{day.day} {month[:3]} {day.year % 100:02}",
        f"{month[:3]}. {day.day} {day.year}", f"{day.year}年{day.month}月{day.day}日",
        f"{year}年{chinese_count(day.month)}月{chinese_count(day.day)}日",
    ]  # fmt: skip
    # Two digits are a year of the hundred from 1970 on, as many programs have it.
    if day.year not in range(1970, 2070):
        del forms[2]
    return chance.choice(forms), day.isoformat()


def _digits(change: Callable[[list[str]], list[str]]) -> Callable[[random.Random], Pair]:
    def make(chance: random.Random) -> Pair:
        digits = [str(chance.randrange(10)) for _ in range(chance.randrange(4, 11))]
        return "".join(digits), "".join(change(digits))

    return make


def _count(chance: random.Random) -> Pair:
    number = chance.randrange(1, 10_000)
    return english(number), chinese(number)


_ONES = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def english(number: int) -> str:
    """1 to 9,999 in English words."""
    if number >= 1000:
        rest = number % 1000
        joint = " and " if 0 < rest < 100 else " " if rest else ""
        return f"{_ONES[number // 1000]} thousand{joint}{english(rest) if rest else ''}"
    if number >= 100:
        return f"{_ONES[number // 100]} hundred" + (f" and {english(number % 100)}" if number % 100 else "")
    if number >= 20:
        return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")
    return _ONES[number]


def chinese(number: int) -> str:
    """1 to 9,999 in Chinese characters: 三千零五, 十二."""
    text, gap = "", False
    for unit, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            text += ("零" if gap and text else "") + ("" if unit == 10 and digit == 1 and not text else _CHINESE[digit])
            text += sign
        gap = not digit
    return text


TASKS: dict[str, tuple[str, Callable[[random.Random], Pair], int]] = {
    "reverse": ("digits, last first", _digits(lambda d: d[::-1]), 20_000),
    "sort": ("digits in order", _digits(sorted), 20_000),
    "dates": ("dates as people write them in English and Chinese, to ISO 8601", _dates, 20_000),
    "numbers": ("numbers in English words, to Chinese", _count, 6_000),
}
"""By name: what it is, how an example is made, how many different ones are made."""


def examples(name: str, seed: int) -> list[Pair]:
    """The examples of a task, no source twice."""
    _, make, count = TASKS[name]
    chance = random.Random(f"{name} {seed}")
    found: dict[str, str] = {}
    while len(found) < count:
        source, target = make(chance)
        found[source] = target
    return list(found.items())
