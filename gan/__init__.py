"""The core GAN: losses, penalties, models, data, metrics and Algorithm 1 of the 2014 paper."""
