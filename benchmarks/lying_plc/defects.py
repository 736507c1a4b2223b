from contextlib import contextmanager
DEFECTS={}
@contextmanager
def planted(n): yield
