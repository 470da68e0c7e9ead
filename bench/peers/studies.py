"""Which games the peers are compared on."""

from bench.study import Study

# A process of peers takes 10 to 30 seconds once its compilers' caches are warm, and each cell takes
# as many processes as there are rounds.
STUDIES: tuple[Study, ...] = (
    Study(
        "peers",
        {
            "mode": ("compile",),
            "data": ("ring", "fashion_mnist"),
            "penalty": ("none", "r1"),
            "batch_size": (16, 64, 256, 1024),
        },
    ),
    Study("peers", {"mode": ("compile",), "model": ("dcgan",), "data": ("digits",)}),
    Study("peers", {"mode": ("compile",), "model": ("dcgan",), "data": ("fashion_mnist",)}),
    Study("peers", {"mode": ("compile",), "ensemble": (8,), "data": ("ring",)}),
    Study(
        "peers",
        {
            "device": ("cuda",),
            "mode": ("cudagraph",),
            "data": ("ring", "fashion_mnist"),
            "batch_size": (16, 64, 256, 1024),
        },
    ),
    Study(
        "peers",
        {
            "device": ("cuda",),
            "mode": ("cudagraph",),
            "model": ("dcgan",),
            "data": ("fashion_mnist",),
        },
    ),
)
