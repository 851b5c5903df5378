//! The consumer group: members, generations, sessions, static names, and the range assignment.

use std::collections::BTreeMap;

use super::Answer;

#[derive(Debug)]
pub struct Member {
    pub id: u64,
    /// `group.instance.id`.
    pub name: Option<String>,
    /// The incarnation of a process that has joined as this member.
    pub owner: usize,
    pub has_joined: bool,
}

#[derive(Debug, Default)]
pub struct Group {
    pub members: Vec<Member>,
    pub generation: i32,
    /// Since when the members are being gathered, if a rebalance goes on.
    pub rebalancing: Option<u64>,
    /// The task range of each member in the current generation.
    pub assignment: BTreeMap<u64, (usize, usize)>,
    next: u64,
}

/// What a join has led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Joined {
    /// The member waits for the others.
    Waits(u64),
    /// A static member takes its place again; the one that had it is fenced.
    Replaced { member: u64, before: u64 },
    /// It still has the id that it had before another took its name.
    Fenced,
}

impl Group {
    /// A process joins, again or for the first time.
    pub fn join(&mut self, owner: usize, member: Option<u64>, name: Option<&str>, now: u64) -> Joined {
        if let Some(known) = self.members.iter_mut().find(|known| Some(known.id) == member) {
            known.has_joined = true;
            let id = known.id;
            self.rebalancing.get_or_insert(now);
            return Joined::Waits(id);
        }
        if member.is_some() && name.is_some() && self.members.iter().any(|known| known.name.as_deref() == name) {
            return Joined::Fenced;
        }
        self.next += 1;
        let id = self.next;
        if let Some(known) = self.members.iter_mut().find(|known| known.name.is_some() && known.name.as_deref() == name) {
            let before = std::mem::replace(&mut known.id, id);
            (known.owner, known.has_joined) = (owner, self.rebalancing.is_some());
            if let Some(range) = self.assignment.remove(&before) {
                self.assignment.insert(id, range);
            }
            return Joined::Replaced { member: id, before };
        }
        self.members.push(Member { id, name: name.map(str::to_owned), owner, has_joined: true });
        self.rebalancing.get_or_insert(now);
        Joined::Waits(id)
    }

    /// The member that has this name.
    pub fn holder(&self, name: Option<&str>) -> Option<u64> {
        self.members.iter().find(|member| name.is_some() && member.name.as_deref() == name).map(|member| member.id)
    }

    /// A member has left, or its session has ended; true if the group must rebalance.
    pub fn remove(&mut self, member: u64, now: u64) -> bool {
        let before = self.members.len();
        self.members.retain(|known| known.id != member);
        self.assignment.remove(&member);
        let has_left = self.members.len() < before;
        if has_left && !self.members.is_empty() {
            self.rebalancing.get_or_insert(now);
        }
        has_left
    }

    /// Whether every member has joined the rebalance.
    pub fn is_gathered(&self) -> bool {
        self.rebalancing.is_some() && self.members.iter().all(|member| member.has_joined)
    }

    /// Begins the next generation: each member gets a range of the tasks.
    pub fn complete(&mut self, tasks: usize) {
        self.generation += 1;
        self.rebalancing = None;
        let count = self.members.len();
        let mut next = 0;
        self.assignment.clear();
        self.members.sort_by_key(|member| member.id);
        for (place, member) in self.members.iter_mut().enumerate() {
            let share = tasks / count + usize::from(place < tasks % count);
            self.assignment.insert(member.id, (next, next + share));
            next += share;
            member.has_joined = false;
        }
    }

    /// Whether offsets may be committed as this member of this generation; `None` is nobody in particular, whom brokers do not fence.
    pub fn check(&self, membership: Option<(i32, u64)>, name: Option<&str>) -> Result<(), Answer> {
        let Some((generation, id)) = membership else { return Ok(()) };
        if !self.members.iter().any(|member| member.id == id) {
            let is_taken = name.is_some() && self.members.iter().any(|member| member.name.as_deref() == name);
            return Err(if is_taken {
                Answer::Fenced("fenced instance id".to_owned())
            } else {
                Answer::Refused("unknown member".to_owned())
            });
        }
        if generation == self.generation { Ok(()) } else { Err(Answer::Refused("illegal generation".to_owned())) }
    }
}
