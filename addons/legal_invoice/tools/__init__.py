from .numbers import (
    format_siren,
    format_siret,
    is_siren_or_siret,
    siren_of_vat,
    without_separators,
)
from .territories import TERRITORIES, territory_of
