"""A torch module: the mean over the rows that are not ignored, differentiated by autograd."""

import torch


class MaskedCrossEntropy(torch.nn.Module):
    """The mean cross-entropy of the rows whose label is not `ignore_index`; nan where there is none."""

    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        """Return the mean over the rows that are kept."""
        labels = labels.long()  # beside labels of uint8, torch takes -100 for class 156
        kept = labels != self.ignore_index
        log_probabilities = torch.log_softmax(logits[kept], dim=1)
        return -log_probabilities.gather(1, labels[kept][:, None]).mean()
