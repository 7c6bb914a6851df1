"""Points of the plane and steps along directions as clients may write them."""

from hypothesis import strategies as st

from models.plane import LAST_X, LAST_Y


def decimals(least: int, most: int, places: int) -> st.SearchStrategy[str]:
    """Numbers with so many decimals at most, some with zeros at the end."""
    unit = 10**places

    def written(counted: int, padded: bool) -> str:
        whole, rest = divmod(abs(counted), unit)
        text = f"{rest:0{places}}" if padded else f"{rest:0{places}}".rstrip("0")
        sign = "-" if counted < 0 else ""
        return f"{sign}{whole}{'.' if text else ''}{text}"

    return st.builds(written, st.integers(least * unit, most * unit), st.booleans())


points = st.builds("{},{}".format, decimals(0, LAST_X, 3), decimals(0, LAST_Y, 3))
nudges = st.dictionaries(st.integers(0, 99), decimals(-10, 10, 2), min_size=1, max_size=32).map(
    lambda amounts: ",".join(f"{number}:{amount}" for number, amount in amounts.items())
)
