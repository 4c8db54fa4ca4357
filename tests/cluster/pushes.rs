use crate::fixture::{fails, succeeds};
use crate::machines::Machines;

#[test]
fn a_commit_through_any_member_is_at_all_of_them() {
    let machines = Machines::cluster(3);
    for number in 0..3 {
        let content = format!("through {number}\n");
        succeeds(machines.push(number, "default", "some.conf", &content));
        for reader in 0..3 {
            assert_eq!(machines.read(reader, "default/boot/some.conf"), content, "at {reader}");
        }
    }
    machines.assert_same("default");
}

#[test]
fn of_two_commits_upon_the_same_revision_at_different_members_one_is_refused() {
    let machines = Machines::cluster(3);
    let clones: Vec<_> = (0..2).map(|n| machines.git(n).clone_of("default")).collect();
    for (number, clone) in clones.iter().enumerate() {
        clone.write(&format!("{number}.conf"), "x\n");
        clone.commit("mine");
    }
    succeeds(clones[0].git(&["push"]));
    assert!(fails(clones[1].git(&["push"])).contains("fetch first"));
    succeeds(clones[1].git(&["pull", "--rebase"]));
    succeeds(clones[1].git(&["push"]));
    machines.assert_same("default");
}

#[test]
fn a_subcluster_that_is_made_is_made_everywhere() {
    let machines = Machines::cluster(3);
    assert_eq!(machines.curl(1, "/subclusters/west").method("PUT").status, 201);
    succeeds(machines.push(2, "west", "some.conf", "west\n"));
    let body = r#"{"to":"east","history":true}"#;
    assert_eq!(machines.curl(0, "/subclusters/west/copy").json("POST", body).status, 201);
    assert_eq!(machines.read(1, "east/boot/some.conf"), "west\n");
    machines.assert_same("west");
    machines.assert_same("east");
}
