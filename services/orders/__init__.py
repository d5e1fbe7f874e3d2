"""Orders: how work is divided into stages, who does each of them, and how much everybody has on their hands.

Owns flows, orders and their stages. Publishes what happens to them (`order.*`, `stage.*`, `stages.*`). Obeys the cases
of `offboarding`: freeze, unfreeze and transfer of the open stages of a leaver.
"""
