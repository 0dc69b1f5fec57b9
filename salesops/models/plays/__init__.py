"""The contingency playbook at work: what is known of each client, its one play, and whether plays pay."""

from salesops.models.plays.assign import Plays, assign_plays
from salesops.models.plays.clients import client_table
from salesops.models.plays.hold_out import held_out, log_plays
from salesops.models.plays.lift import lift, lift_sentences, play_outcomes

__all__ = ["Plays", "assign_plays", "client_table", "held_out", "lift", "lift_sentences", "log_plays", "play_outcomes"]
