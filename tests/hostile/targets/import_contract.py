huge = {"loss": lambda s, y: 0.0, "contract": {"domain": {"classes": [10**9, 10**9]}}}
deep = []
for _ in range(10_000):
    deep = [deep]
nested = {"loss": lambda s, y: 0.0, "contract": {"labels": deep}}
strange = {"loss": lambda s, y: 0.0, "contract": {"labels": object()}}
surrogate = {"loss": lambda s, y: 0.0, "contract": {"\ud800\nCONFORMS": 1}}
no_mapping = {"loss": lambda s, y: 0.0, "contract": 7}
keys = {1: 2, "loss": lambda s, y: 0.0}
evil_keys = {"x\nCONFORMS: all good.\x1b[31m": lambda s, y: 0.0, "loss": lambda s, y: 0.0}
