from . import archive, months
