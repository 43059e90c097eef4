"""How hypothesis plays random sequences on a database; the tests say which sequences."""

import os

from hypothesis import HealthCheck, Phase, given, seed, settings

# The same examples at each run, so that a red run is a change of the code and not of luck;
# LEDGER_SEED=<number> looks at others.
SEED = int(os.environ.get("LEDGER_SEED", "19"))


def random_sequences(examples, sequences):
    """Decorate a method that plays one sequence, to be called with many."""
    how = settings(
        max_examples=examples, deadline=None, database=None,
        # Explaining a failure costs thousands of sequences more, shrinking it is worth its time.
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        # An example talks to a database: slow by nature.
        suppress_health_check=[HealthCheck.too_slow])
    return lambda play: seed(SEED)(how(given(sequences)(play)))
