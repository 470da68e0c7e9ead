"""Throughput with each choice beside the usual one: modes, precisions, layouts, ensembles."""

from bench.study import Study

# A compilation takes a processor 10 to 20 seconds: two of them are what a session of minutes bears.
QUICK: tuple[Study, ...] = (
    Study("throughput", {"mode": ("eager", "compile"), "data": ("ring", "digits")}),
    Study("throughput", {"layout": ("contiguous", "channels_last"), "model": ("dcgan",)}),
    Study("throughput", {"ensemble": (1, 8), "data": ("ring",)}),
    Study(
        "throughput",
        {
            "device": ("cuda",),
            "mode": ("eager", "compile", "cudagraph"),
            "data": ("ring", "digits"),
            "batch_size": (16, 64, 1024),
        },
    ),
    Study(
        "throughput",
        {
            "device": ("cuda",),
            "precision": ("float32", "bfloat16", "float16"),
            "layout": ("contiguous", "channels_last"),
            "model": ("dcgan",),
            "data": ("fashion_mnist",),
            "batch_size": (64, 1024),
        },
    ),
    Study("throughput", {"device": ("cuda",), "ensemble": (1, 8, 64), "data": ("ring",)}),
)

# float16 on a processor is emulated: the full profile's other cells tell what that costs.
FULL: tuple[Study, ...] = (
    *QUICK,
    Study(
        "throughput",
        {
            "device": ("cpu", "cuda"),
            "mode": ("eager", "compile", "cudagraph"),
            "penalty": ("none", "r1"),
            "model": ("mlp", "goodfellow2014", "dcgan_layernorm"),
            "data": ("ring", "digits", "fashion_mnist"),
            "batch_size": (16, 64, 256, 1024),
        },
    ),
    Study(
        "throughput",
        {
            "device": ("cpu", "cuda"),
            "precision": ("float32", "bfloat16"),
            "layout": ("contiguous", "channels_last"),
            "mode": ("eager", "compile", "cudagraph"),
            "model": ("dcgan", "dcgan_layernorm", "dcgan_spectral"),
            "data": ("digits", "fashion_mnist"),
            "batch_size": (16, 64, 256),
        },
    ),
    Study(
        "throughput",
        {
            "device": ("cpu", "cuda"),
            "mode": ("eager", "compile", "cudagraph"),
            "ensemble": (1, 8, 64),
            "model": ("mlp", "mlp_small"),
            "data": ("ring", "digits"),
            "batch_size": (16, 64, 256),
        },
    ),
)
