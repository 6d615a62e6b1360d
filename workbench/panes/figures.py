"""Figures as people read them."""

from __future__ import annotations


def byte_size(size: int) -> str:
    """Bytes in decimal units, as the Hugging Face Hub counts: ``4.9 GB``."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def per_second(rate: float) -> str:
    """Tokens per second, three digits or more: ``7.31``, ``84.2``, ``1204``."""
    return _three_digits(rate)


def interval(milliseconds: float) -> str:
    """A time that is measured closely: ``0.15 ms``, ``84.2 ms``, ``1.20 s``."""
    if milliseconds < 1000:
        return f"{_three_digits(milliseconds)} ms"
    return f"{_three_digits(milliseconds / 1000)} s"


def duration(milliseconds: float) -> str:
    """``12 ms``, ``3.4 s``."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def tokens(count: int) -> str:
    """A number of tokens."""
    return f"{count} token" if count == 1 else f"{count} tokens"


def _three_digits(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ago(seconds: float) -> str:
    """How long ago something was, in one unit: ``12 minutes ago``."""
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= length:
            count = int(seconds / length)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def days_ago(days: int) -> str:
    """How long ago a day was, in few signs: ``0d``, ``13d``, ``8w``, ``5mo``, ``3y``."""
    if days < 14:
        return f"{max(0, days)}d"
    if days < 63:
        return f"{days // 7}w"
    return f"{days // 30}mo" if days < 730 else f"{days // 365}y"


def short_count(count: int) -> str:
    """A large number in few signs: ``950``, ``12.3k``, ``1.2M``."""
    if count >= 999_500:
        return f"{count / 1e6:.1f}M"
    return f"{count / 1e3:.1f}k" if count >= 1000 else str(count)


def clock(seconds: float) -> str:
    """A time to wait: ``0:07``, ``3:20``, ``1:02:03``."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
