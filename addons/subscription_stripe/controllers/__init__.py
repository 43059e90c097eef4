from . import main, statement
