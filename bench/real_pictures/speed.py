"""`negspace check` on many pictures: pictures a second, and whether memory stays flat."""


def measure_speed(count: int) -> bool:
    return True
