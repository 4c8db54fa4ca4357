"""Carries out the plan."""

import random
import time

import damage
import plan

# After a lost disk a member is emptied, let in, filled, and given a vote.
FILLING = 90
# So often git has packed the references of a member that is damaged.
PACKED = 0.3


class Nemesis:
    """Does to the cluster what is planned, and tells."""

    def __init__(self, cluster, steps, tell):
        self.cluster, self.steps, self.tell = cluster, steps, tell
        self.links = {}

    def run(self, seconds):
        end = time.monotonic() + seconds
        for number, step in enumerate(self.steps):
            if time.monotonic() >= end:
                break
            self.tell(f"step {number}: {step}")
            self.links = {}
            for fault in step.faults:
                self._begin(fault)
            self.cluster.wire.set(self.links)
            time.sleep(step.lasts)
            self.cluster.heal()
            time.sleep(step.rests)

    def _begin(self, fault):
        members = [self.cluster.leader() if m == plan.LEADER else m for m in fault.members]
        members = [0 if member is None else member for member in members]
        getattr(self, "_" + fault.kind.replace("-", "_"))(members, fault.number)

    def _cut(self, source, target):
        self.links[source, target] = (1, 0, 0)

    def _halves(self, members, _):
        half = members[:len(members) // 2]
        for one in half:
            for other in set(members) - set(half):
                self._cut(one, other)
                self._cut(other, one)

    def _ring(self, members, _):
        """Each has a majority with its neighbours, and no two the same (of three: a line)."""
        count = len(members)
        near = 1 if count == 3 else count // 4
        for place, one in enumerate(members):
            for other_place, other in enumerate(members):
                apart = abs(place - other_place)
                apart = apart if count == 3 else min(apart, count - apart)
                if apart > near:
                    self._cut(one, other)

    def _deaf(self, members, _):
        for other in self._others(members[0]):
            self._cut(other, members[0])

    def _mute(self, members, _):
        for other in self._others(members[0]):
            self._cut(members[0], other)

    def _alone(self, members, _):
        self._deaf(members, _)
        self._mute(members, _)

    def _slow(self, members, delay):
        self._all_ways(members, (0, delay / 2, delay / 2))

    def _lossy(self, members, loss):
        self._all_ways(members, (loss, 0, 0))

    def _all_ways(self, members, how):
        for one in members:
            for other in self._others(one):
                self.links.setdefault((one, other), how)
                self.links.setdefault((other, one), how)

    def _others(self, number):
        return [m.number for m in self.cluster.members if m.number != number]

    def _kill(self, members, _):
        for number in members:
            self.cluster.members[number].kill()

    _kill_all = _kill

    def _kill_again(self, members, delay):
        """Killed while it starts."""
        member = self.cluster.members[members[0]]
        for _ in range(3):
            member.kill()
            member.start()
            time.sleep(delay)
        member.kill()
        member.start()

    def _pause(self, members, _):
        for number in members:
            self.cluster.members[number].pause()

    def _stop(self, members, _):
        self.cluster.members[members[0]].stop()

    def _full(self, members, _):
        """No room on the disk."""
        for number in members:
            self.cluster.members[number].fill_disk()

    def _lost_disk(self, members, delay):
        """It comes back empty; if there is a delay, it is killed in the middle of that."""
        self.cluster.heal()
        self.cluster.wait_for_members(FILLING)
        member = self.cluster.members[members[0]]
        # The first member, which nobody has let in, stands alone without its log, and takes commits.
        if not member.was_let_in():
            member = self.cluster.members[self._others(member.number)[0]]
        member.kill()
        member.lose_disk()
        member.start()
        if delay:
            time.sleep(delay)
            member.kill()
            member.start()
        member.wait()
        self.cluster.wait_for_members(FILLING)

    def _damage(self, members, number):
        """A file of each member in turn is damaged while that does not run, and is mended."""
        self.cluster.heal()
        for one in [members[0], *self._others(members[0])]:
            self.cluster.wait_for_members(FILLING)
            self._damage_one(self.cluster.members[one], f"{number} {one}")

    def _damage_one(self, member, seed):
        member.kill()
        if random.Random(seed).random() < PACKED:
            member.pack_references()
        done = damage.choose(member.state, seed)
        done.do()
        said = member.said()
        member.start()
        member.wait()
        self.cluster.wait_for_members(FILLING)
        wrong = member.wait_until_whole(FILLING)
        self.tell(f"damaged {member.name}: {done}; {member.complaints(said)}")
        if wrong:
            raise RuntimeError(f"{member.name} has not mended the damage ({done}) within {FILLING} s: {wrong}")

    def _old_disk(self, members, age):
        """It gets a backup back that is so many seconds old. Whatever comes next finds it so."""
        self.cluster.heal()
        self.cluster.wait_for_members(FILLING)
        member = self.cluster.members[members[0]]
        member.kill()
        member.back_up()
        member.start()
        member.wait()
        time.sleep(age)
        member.kill()
        member.restore()
        member.start()
        member.wait()
