"""Prints what TensorBoard itself reads from the event files of a folder, as one object: the scalars
{"tag": [[step, value], ...]}, the hyperparameters of the session, the metrics of the experiment, and the texts."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
accumulator.Reload()
scalars = {tag: [[e.step, e.value] for e in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}


def plugin_data(tag):
    content = accumulator.SummaryMetadata(tag).plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


session = plugin_data("_hparams_/session_start_info").session_start_info
hparams = {key: getattr(value, value.WhichOneof("kind")) for key, value in session.hparams.items()}
experiment = plugin_data("_hparams_/experiment").experiment
texts = {}
for tag in accumulator.PluginTagToContent("text"):
    texts[tag] = [word.decode() for event in accumulator.Tensors(tag) for word in event.tensor_proto.string_val]
print(
    json.dumps(
        {
            "scalars": scalars,
            "hparams": hparams,
            "declared": sorted(info.name for info in experiment.hparam_infos),
            "metrics": [info.name.tag for info in experiment.metric_infos],
            "ended": plugin_data("_hparams_/session_end_info").session_end_info.status,
            "texts": texts,
        }
    )
)
