import ctypes

ctypes.PyDLL(None).sleep(1000)
