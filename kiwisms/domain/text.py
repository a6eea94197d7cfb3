"""What a short text that somebody gave must be, to be stored and shown."""

from kiwisms.domain.errors import ValidationRefused


def printable(field: str, text: str, *, longest: int, shortest: int = 1) -> str:
    """
    Check a text of one line, and give it back as it is.

    Spaces at its ends do not make it longer than *shortest*.

    Raises:
        ValidationRefused: It is too short, too long or not printable; the error names *field*.

    >>> printable("reason", "top-up", longest=500)
    'top-up'
    """
    if len(text.strip()) < shortest or len(text) > longest or not text.isprintable():
        length = f"{shortest} to {longest}" if shortest else f"at most {longest}"
        raise ValidationRefused(field, f"must have {length} printable characters")
    return text
