from . import chart, forecast
