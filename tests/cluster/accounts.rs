use crate::fixture::{eventually, run_with_input, succeeds};
use crate::machines::Machines;

#[test]
fn a_password_that_is_set_on_one_member_is_good_at_all() {
    let machines = Machines::cluster(3);
    let server = machines.all[1].running();
    succeeds(server.ecconfigd(&["passwd", "--role", "reader", "jane"], "secret\n"));
    for number in 0..3 {
        let server = machines.all[number].running();
        eventually("the password is known", || {
            let curl = server.curl_anonymous("/config/").args(["--user", "jane:secret"]);
            curl.send().status == 200
        });
    }
}

#[test]
fn a_password_that_is_set_while_a_member_is_down_is_told_when_it_is_back() {
    let mut machines = Machines::cluster(3);
    machines.stop(2);
    let mut command = crate::fixture::ecconfigd();
    command.arg("--root").arg(machines.all[2].root()).args(["passwd", "jane"]);
    succeeds(run_with_input(&mut command, "secret\n"));
    machines.start(2);
    let server = machines.all[0].running();
    eventually("the password is known", || {
        server.curl_anonymous("/config/").args(["--user", "jane:secret"]).send().status == 200
    });
}

#[test]
fn an_account_that_is_deleted_on_one_member_is_gone_at_all() {
    let machines = Machines::cluster(3);
    let knows = |number: usize| {
        let curl = machines.all[number].running().curl_anonymous("/config/");
        curl.args(["--user", "jane:secret"]).send().status == 200
    };
    let second = machines.all[1].running();
    succeeds(second.ecconfigd(&["passwd", "jane"], "secret\n"));
    (0..3).for_each(|number| eventually("the account is known", || knows(number)));
    let third = machines.all[2].running();
    succeeds(third.ecconfigd(&["users", "--delete", "jane"], ""));
    (0..3).for_each(|number| eventually("the account is gone", || !knows(number)));
}
