"""What a service may refuse, in words that a page, the API and the shell can show as they are."""


class PlacementsError(Exception):
    """Any refusal that a person should read. `message` is a whole sentence."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAllowed(PlacementsError):
    """The person's role does not include this action."""


class NotFound(PlacementsError):
    """Nothing there that this person may see."""


class Refused(PlacementsError):
    """The request makes no sense now, or its values are wrong.

    `fields` names each wrong value: the field's name (as in the form or the command) to what is wrong with
    it and what would be right.
    """

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


class Stale(PlacementsError):
    """Somebody else changed it since this person read it; nothing was written."""
