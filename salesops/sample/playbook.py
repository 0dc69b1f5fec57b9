"""The sample company's playbook.toml: plays for the needs that are planted in its clients."""

PLAYBOOK = '''\
# The plays of Marlowick Components. The first play whose conditions a client meets is the client's.
# data/playbook_template.toml explains every line. Check with: salesops check BOOK
version = "2026-10"
hold_out = 0.1

[[plays]]
id = "make-good"
name = "Make it good again"
when.open_issue = true
channel = "call"
cadence = 0.25
floor_days = 2
ceiling_days = 7
offer = "Listen, say what will change, and by when"
owner = "account owner"
stop = "The client says that it is settled"
stop_after = 4
why = "{account_name} answered {last_score} of {last_top} on {last_answer}, and nobody has been in touch since."
hold_out = 0 # an unhappy client is never left alone

[[plays]]
id = "renew"
name = "Renew before the notice day"
when.days_to_notice = { at_least = 0, at_most = 60 }
channel = "meeting"
cadence = 0.5
floor_days = 7
ceiling_days = 30
offer = "Next term, with last year's deliveries on the table"
owner = "account owner"
stop = "Renewed, or notice given"
stop_after = 5
why = "The contract ends on {contract_end}, {annual_amount} a year; {days_to_notice} days are left to give notice."
hold_out = 0 # too few contracts to learn from

[[plays]]
id = "season"
name = "Plan the season"
when.spread_in_gaps = { at_least = 1 }
when.frequency = { at_least = 8 }
when.days_since = { below = 200 }
channel = "call"
cadence = 2.0
floor_days = 21
ceiling_days = 60
offer = "Fix quantities and dates for the coming season"
owner = "account owner"
stop = "The season's order is in"
stop_after = 3
why = "It buys in seasons: every {median_gap} days within one. The last purchase was {days_since} days ago."

[[plays]]
id = "falling"
name = "Ask a good client that left the best segments"
when.segment_before = ["champions", "loyal"]
when.segment = ["need attention", "about to sleep", "at risk", "cannot lose", "hibernating"]
channel = "meeting"
cadence = 0.5
floor_days = 7
ceiling_days = 30
offer = "Review of the last year: deliveries, prices, needs"
owner = "manager"
stop = "Back to the own rhythm, or reason known"
stop_after = 3
why = "It was among the {segment_before} and is now {segment}: {days_since} days since the last purchase."

[[plays]]
id = "win-back"
name = "Win back a good client that fell silent"
when.gaps_since = { at_least = 3 }
when.frequency = { at_least = 3 }
when.value_band = ["high", "middle"]
channel = "call"
cadence = 1.0
floor_days = 7
ceiling_days = 45
offer = "Ask what changed; offer a trial delivery of what was bought last"
owner = "account owner"
stop = "Bought again, or said no"
stop_after = 3
why = """\\
{account_name} bought every {median_gap} days and has not for {days_since}: {gaps_since} of its own gaps. \\
In all it spent {total}."""

[[plays]]
id = "let-rest"
name = "Let a small silent client rest"
when.gaps_since = { at_least = 3 }
when.value_band = "low"
channel = "email"
cadence = 3.0
floor_days = 60
ceiling_days = 180
offer = "What is new in the range"
owner = "inside sales"
stop = "No answer to two mails"
stop_after = 2
why = "{days_since} days since the last purchase are {gaps_since} of its own gaps, and it spent {total} in all."
hold_out = 0.2

[[plays]]
id = "late"
name = "Ask whose order is late"
when.gaps_since = { at_least = 1.5, below = 3 }
when.frequency = { at_least = 3 }
channel = "call"
cadence = 0.5
floor_days = 5
ceiling_days = 30
offer = "The usual order, ready to confirm"
owner = "account owner"
stop = "Bought, or said when"
stop_after = 2
why = "The next order was due about {next_expected}: {days_since} days are {gaps_since} of its own gaps."

[[plays]]
id = "new-need"
name = "Advise on a changed need"
when.buying_task = "modified rebuy"
when.stated_need = { known = true }
when.frequency = { known = true }
channel = "meeting"
cadence = 0.5
floor_days = 7
ceiling_days = 21
offer = "{stated_need}: options side by side, with samples"
owner = "account owner"
stop = "Deal decided"
stop_after = 6
why = "It asks for {stated_need}, beside the {families} families that it buys, and has bought {frequency} times again."

[[plays]]
id = "widen"
name = "Show a good client what its peers buy"
when.value_band = "high"
when.family_gap = { at_least = 1 }
when.next_family_share = { at_least = 0.5 }
when.owner_overdue = { below = 45 } # who is behind takes on nothing new
channel = "call"
cadence = 1.0
floor_days = 21
ceiling_days = 60
offer = "{next_family}"
owner = "account owner"
stop = "Bought from {next_family}, or said no"
stop_after = 2
why = "{next_family_share} of its peers buy {next_family}; it buys {families} families and spent {total} in all."
hold_out = 0.2

[[plays]]
id = "rhythm"
name = "Keep a steady client in its rhythm"
when.frequency = { at_least = 3 }
when.gaps_since = { below = 1.5 }
channel = "email"
cadence = 1.0
floor_days = 14
ceiling_days = 90
offer = "The usual order, ready to confirm"
owner = "inside sales"
stop = "Orders by itself twice in a row"
stop_after = 3
why = "It buys every {median_gap} days; the next order is expected about {next_expected}."

[[plays]]
id = "first-order"
name = "Win the first order"
when.is_client = false
when.contacts = { at_least = 1 }
channel = "meeting"
cadence = 1.0
floor_days = 21
ceiling_days = 45
offer = "A first order at a size that risks little"
owner = "account owner"
stop = "First order, or said no"
stop_after = 4
why = "It is in {industry} and has not bought yet. People known there: {contacts}."

[[plays]]
id = "project"
name = "Stay in touch between projects"
channel = "call"
cadence = 1.0
floor_days = 60
ceiling_days = 120
offer = "Ask for the next project"
owner = "account owner"
stop = "No project in sight for a year"
stop_after = 4
why = "It buys by project, with no rhythm of its own: {days_since} days since the last purchase."
'''
