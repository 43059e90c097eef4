from .shares import spread, take_off
