//! The return about special educational needs, in the ministry's layout and in that of systems that put a record around
//! each request.

use minster_tests::deliveries::{Child, Dimension, by_name};

use crate::{council, values::table};

fn person(place: u32, requests: &str) -> String {
    let Child { upn, surname, forename, born, sex, .. } = Child::at(place);
    format!(
        "<Person><Surname>{surname}</Surname><Forename>{forename}</Forename><PersonBirthDate>{born}</PersonBirthDate>\
         <Sex>{sex}</Sex><Ethnicity>MWBC</Ethnicity><PostCode>LS9 8ZZ</PostCode><UPN>{upn}</UPN>{requests}</Person>"
    )
}

const REQUEST: &str = "<ReceivedDate>2024-03-12</ReceivedDate><RequestSource>2</RequestSource><RYA>0</RYA>\
    <RequestOutcomeDate>2024-04-23</RequestOutcomeDate><RequestOutcome>Y</RequestOutcome>\
    <RequestMediation>0</RequestMediation><RequestTribunal>0</RequestTribunal><Exported>N</Exported>";

const ASSESSMENT: &str = "<Assessment><AssessmentOutcome>Y</AssessmentOutcome>\
    <AssessmentOutcomeDate>2024-07-02</AssessmentOutcomeDate><Week20>1</Week20><NamedPlan>\
    <StartDate>2024-07-09</StartDate><PlanDetail><URN>140417</URN><PlacementRank>1</PlacementRank></PlanDetail>\
    <PB>0</PB><OA>0</OA></NamedPlan></Assessment>";

#[test]
fn a_return_in_the_layout_of_the_specification_is_read_as_shipped() {
    let council = council(60, &["sen2"]);
    let active = "<ReviewMeeting>2025-01-14</ReviewMeeting><ReviewOutcome>C</ReviewOutcome>";
    let placed = "<PlacementDetail><URN>140417</URN><PlacementRank>1</PlacementRank></PlacementDetail>\
        <SENneed><SENtype>SLCN</SENtype><SENtypeRank>1</SENtypeRank></SENneed>";
    let ministry = format!(
        "<Requests>{REQUEST}{ASSESSMENT}<ActivePlans>{placed}{active}</ActivePlans></Requests>"
    );
    let system = format!(
        "<Requests><RequestRecord>{REQUEST}{ASSESSMENT}</RequestRecord></Requests><ActivePlans>\
         <ActivePlansRecord>{active}<SENtype>HI</SENtype></ActivePlansRecord></ActivePlans>"
    );
    let people = (1..=27).map(|place| person(place, if place <= 15 { &ministry } else { &system }));
    let people = people.collect::<Vec<_>>().join("\n");
    let xml = format!(
        "<Message><Header><CollectionDetails><Collection>SEN2</Collection></CollectionDetails></Header>\
         <Persons>\n{people}\n</Persons></Message>"
    );
    council.deliver("sen2", "sen2_2025.xml", xml);
    council.release(&[Dimension::counting("plans", "plans")]);

    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    // A person, a request, an assessment, a named setting and a plan; in the ministry's layout a placement and a need too.
    let rows = 15 * 7 + 12 * 5;
    assert_eq!(ran.rows("sen2"), [rows, rows, 0, 0]);
    assert_eq!(ran.cells("sen2"), [""; 0]);
    assert_eq!(ran.linked("sen2/persons"), by_name(&[("identifier", 27)]));
    assert_eq!(ran.children().0, 60);
    assert_eq!(council.released(), ["All,60,", "none,33,", "one,27,", "more,0,", "Unknown,0,"]);
    assert_eq!(table(&council.site, "sen2", "plan_details").column("urn"), ["140417"; 27]);
    assert_eq!(
        table(&council.site, "sen2", "active_plans").column("reviewmeeting"),
        ["2025-01-14"; 27]
    );
}
