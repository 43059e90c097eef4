from . import report_month_closing
