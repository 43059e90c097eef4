import pytest

from tests.house import House

from .world import make_world


@pytest.fixture(scope="module")
def world(request, tmp_path_factory):
    """Make a world for a file, in a database of its own.

    A file says by its constant ``PROCESSES`` how many servers it wants, none by default: then the
    house is a database that the tests act upon in this process.
    """
    name = request.module.__name__.rpartition(".")[2]
    processes = getattr(request.module, "PROCESSES", 0)
    house = House(f"caps_security_{name}", tmp_path_factory.mktemp(name),
                  processes=processes or 1, crons=0)
    try:
        house.start() if processes else house.create()
        yield make_world(house)
    finally:
        house.stop()
