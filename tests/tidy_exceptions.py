"""What the house rules let pass, with the reason. This list only shrinks."""

EXCEPTIONS: dict[tuple[str, str], str] = {
}
