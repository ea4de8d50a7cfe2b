"""Names that come from outside, of which only so many are kept apart."""

from attrs import define, field

OTHER = "other"
"""What all the names are called that there is no room for."""


@define
class FewNames:
    """
    Lets a bounded number of names pass; the rest goes by the name of :data:`OTHER`.

    :ivar most: how many there may be besides the known ones.
    :ivar known: those that always pass.
    """

    most: int
    known: frozenset[str] = frozenset()
    _others: set[str] = field(factory=set, init=False)

    def of(self, name: str, is_worthy: bool = True) -> str:
        """
        What to call *name*.

        :param is_worthy: whether it gets a place of its own, if there is one left.
        """
        if name in self.known or name in self._others:
            return name
        if is_worthy and len(self._others) < self.most:
            self._others.add(name)
            return name
        return OTHER
