"""What the lists of pages are narrowed to."""


class AddressFilter:
    """A dataclass of what a list is narrowed to, each by the name that an address has for it; what is empty
    lets everything through."""

    @property
    def said(self) -> dict[str, str]:
        """What is asked for, as an address says it."""
        return {name: str(value) for name, value in vars(self).items() if value}
