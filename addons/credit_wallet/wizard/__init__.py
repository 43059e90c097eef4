from . import credit_adjust, credit_adjust_line, credit_reverse
