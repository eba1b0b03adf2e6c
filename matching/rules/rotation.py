"""rotation: a learner's floating requirements take the blocks of their rotation in any order, each once.

It forbids no single pair: it chooses which block each of the requirements gets.
"""

NAME = "rotation"
WORDS = "Another requirement of the learner's rotation has taken the block in which there is room."
