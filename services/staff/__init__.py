"""Who works here: employees and their employments, departments, deputies, absences, and the link to the HRIS.

Owns: employees, employments, departments, HRIS sources, their messages and the holds of the brake.
Publishes: employee.* resignation.* departure.* department.changed, with the whole public state, without names.
Obeys: nobody. Hears of `clients` who is frozen, so that a frozen caller has no role here either; and of `offboarding` whose
case is open, since nobody is erased before it is closed.
"""
