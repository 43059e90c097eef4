from .page import COLORS, STATES, cells, check, column, number_of, section, table
from .period import Period
