"""MODELS: pairs of a generator z -> x and a discriminator x -> logit, built for a data shape.

Images lie in [−1, 1]. A generator maps (N, latent_dim) to (N, *shape), a discriminator maps
(N, *shape) to (N,).
"""

from gan.models import dcgan, goodfellow2014, mlp, mlp_small, pacgan, spectral
from gan.models.model import Model, usual_latent_dim

MODELS: dict[str, Model] = {
    "mlp": Model(mlp.generator, mlp.discriminator, mlp.initialise, usual_latent_dim),
    "mlp_small": Model(
        mlp_small.small_generator, mlp_small.small_discriminator, mlp.initialise, usual_latent_dim
    ),
    "mlp_tiny": Model(
        mlp_small.tiny_generator, mlp_small.tiny_discriminator, mlp.initialise, usual_latent_dim
    ),
    "goodfellow2014": Model(
        goodfellow2014.generator,
        goodfellow2014.discriminator,
        goodfellow2014.initialise,
        usual_latent_dim,
    ),
    "dcgan": Model(
        dcgan.generator,
        dcgan.discriminator,
        dcgan.initialise,
        usual_latent_dim,
        couples_samples=True,
    ),
    "dcgan_layernorm": Model(
        dcgan.layernorm_generator,
        dcgan.layernorm_discriminator,
        dcgan.initialise,
        usual_latent_dim,
    ),
    "mlp_spectral": Model(
        spectral.mlp_generator,
        spectral.mlp_discriminator,
        mlp.initialise,
        usual_latent_dim,
        normalises_weights=True,
    ),
    "dcgan_spectral": Model(
        spectral.dcgan_generator,
        spectral.dcgan_discriminator,
        dcgan.initialise,
        usual_latent_dim,
        normalises_weights=True,
    ),
    "pacgan": Model(
        pacgan.generator,
        pacgan.discriminator,
        pacgan.initialise,
        usual_latent_dim,
        fewest_samples=2,
    ),
}

__all__ = ["MODELS", "Model"]
