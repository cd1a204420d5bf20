"""Small Parquet files as pyarrow 26.0.1 and pandas 3.1.1 write them."""

import decimal
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {
    "int8": pa.array([1, -2, None], pa.int8()),
    "uint32": pa.array([4294967295, 0, 7], pa.uint32()),
    "int64": pa.array([9007199254740991, -1, None], pa.int64()),
    "half": pa.array([np.float16(0.5), None, np.float16(-2)], pa.float16()),
    "float": pa.array([1.5, None, -0.25], pa.float32()),
    "double": pa.array([0.1, 2, None], pa.float64()),
    "truth": pa.array([True, None, False]),
    "text": pa.array(["so, so", "", None]),
    "dictionary": pa.array(["red", "blue", "red"]).dictionary_encode(),
    "decimal": pa.array([decimal.Decimal("12.34"), decimal.Decimal("-0.05"), None], pa.decimal128(9, 2)),
    "__index_level_0__": pa.array([5, 6, 7]),
}
pq.write_table(pa.table(KINDS), os.path.join(HERE, "kinds.parquet"), row_group_size=2)
pq.write_table(pa.table({"list": pa.array([[1, 2], [3]])}), os.path.join(HERE, "nested.parquet"))
frame = pd.DataFrame({"x": [1.0, -1.0] * 15, "kind": ["even", "odd"] * 15})
frame.to_parquet(os.path.join(HERE, "table.parquet"))
answers = {"p(a)": pa.array([0.5, float("nan"), None], pa.float64()), "p(b)": pa.array([0.5, 1.0, 1.0], pa.float64())}
pq.write_table(pa.table(answers), os.path.join(HERE, "answers.parquet"))
