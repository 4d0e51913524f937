//! Which tables each census term has, and their columns: autumn 2024, spring and summer 2025. The terms
//! ask for different things, and name the same table differently.

const AUTUMN_PUPILS: &str = "\
    pupilonrolltableid,NativeId,dob,surname,forename,middlenames,preferredsurname,\
    formersurname,upn,formerupn,uniquelearnernumber,sex,entrydate,pupilonrollorderseqcolumn,\
    sourceid,schoolcensustableid,hoursatsetting,schoollunchtaken,parttime,topupfunding,\
    termlysessionspossible,termlysessionsauthorised,termlysessionsunauthorised,\
    senunitindicator,resourcedprovisionindicator,nonqualhrs,ftemp,qualhrs,\
    qualhrspreviousyear,nonqualhrspreviousyear,tlevelqualhrs,tlevelnonqualhrs,\
    moveoffrollflag,fundedhours,missingaddress,duplicatenotfunded,\
    summerhalfterm2sessionspossible,extendedhours,eligibilitycode,\
    summerhalfterm2sessionsauthorised,summerhalfterm2sessionsunauthorised,dafindicator,\
    summerhalfterm2sessionseducational,summerhalfterm2sessionsexceptional,\
    summerhalfterm2sessionscoronavirus,yssa,servicechild,language,classtype,enrolstatus,\
    boarder,plaa,senprovision,ncyearactual,mathsgcsehighestpriorattainment,\
    mathsgcsepriorattainmentyear11,englishgcsehighestpriorattainment,\
    englishgcsepriorattainmentyear11,mathsgcsefundingexemption,englishgcsefundingexemption,\
    mathsgcsehighestpriorattainmentpreviousyear,\
    englishgcsehighestpriorattainmentpreviousyear,eyppr,eyppbf";
const AUTUMN_LEAVERS: &str = "\
    pupilnolongeronrolltableid,NativeId,dob,surname,forename,middlenames,preferredsurname,\
    formersurname,upn,formerupn,uniquelearnernumber,sex,entrydate,leavingdate,\
    pupilnolongeronrollorderseqcolumn,sourceid,schoolcensustableid,parttime,\
    termlysessionspossible,termlysessionsauthorised,termlysessionsunauthorised,\
    moveonrollflag,missingaddress,summerhalfterm2sessionsauthorised,\
    summerhalfterm2sessionspossible,summerhalfterm2sessionsunauthorised,qualhrs,\
    qualhrspreviousyear,nonqualhrspreviousyear,tlevelqualhrs,tlevelnonqualhrs,nonqualhrs,\
    summerhalfterm2sessionseducational,summerhalfterm2sessionsexceptional,\
    summerhalfterm2sessionscoronavirus,boarder,language,ncyearleaving,\
    mathsgcsehighestpriorattainment,mathsgcsepriorattainmentyear11,\
    englishgcsehighestpriorattainment,englishgcsepriorattainmentyear11,\
    mathsgcsefundingexemption,englishgcsefundingexemption,\
    mathsgcsehighestpriorattainmentpreviousyear,\
    englishgcsehighestpriorattainmentpreviousyear";
const SPRING_PUPILS: &str = "\
    pupilonrolltableid,NativeId,dob,surname,forename,middlenames,preferredsurname,\
    formersurname,upn,formerupn,uniquelearnernumber,sex,entrydate,pupilonrollorderseqcolumn,\
    sourceid,schoolcensustableid,hoursatsetting,schoollunchtaken,parttime,topupfunding,\
    unitcontacttime,termlysessionspossible,senunitindicator,resourcedprovisionindicator,\
    moveoffrollflag,fundedhours,missingaddress,duplicatenotfunded,extendedhours,\
    eligibilitycode,dafindicator,ethnicity,yssa,servicechild,language,classtype,enrolstatus,\
    boarder,plaa,senprovision,ncyearactual,eyppr,eyppbf,youngcarer";
const SPRING_LEAVERS: &str = "\
    pupilnolongeronrolltableid,NativeId,dob,surname,forename,middlenames,preferredsurname,\
    formersurname,upn,formerupn,uniquelearnernumber,sex,entrydate,leavingdate,\
    pupilnolongeronrollorderseqcolumn,sourceid,schoolcensustableid,parttime,\
    termlysessionspossible,moveonrollflag,ethnicity,boarder,language";
// The summer census does not ask for ethnicity. It stands here, last, because the matcher takes the
// latest delivery's value for now: a term without the column would wipe what spring said.
const SUMMER_PUPILS: &str = "\
    pupilonrolltableid,NativeId,dob,surname,forename,middlenames,preferredsurname,\
    formersurname,upn,formerupn,uniquelearnernumber,sex,entrydate,pupilonrollorderseqcolumn,\
    sourceid,schoolcensustableid,hoursatsetting,schoollunchtaken,parttime,topupfunding,\
    termlysessionspossible,senunitindicator,resourcedprovisionindicator,moveoffrollflag,\
    fundedhours,missingaddress,extendedhours,eligibilitycode,dafindicator,yssa,servicechild,\
    language,classtype,enrolstatus,boarder,plaa,senprovision,ncyearactual,eyppr,eyppbf,\
    expandedhours,ethnicity";
const SUMMER_LEAVERS: &str = "\
    pupilnolongeronrolltableid,NativeId,dob,surname,forename,middlenames,formersurname,upn,\
    formerupn,uniquelearnernumber,sex,entrydate,leavingdate,\
    pupilnolongeronrollorderseqcolumn,sourceid,schoolcensustableid,parttime,\
    termlysessionspossible,moveonrollflag,boarder,language";
const SESSIONS: &str = "\
    pupilonrolltableid,NativeId,termlysessiondetailsonrolltableid,\
    termlysessiondetailsonrollorderseqcolumn,sourceid,sessions,attendancereason";
const SESSIONS_OFF: &str = "\
    pupilnolongeronrolltableid,NativeId,termlysessiondetailsoffrolltableid,\
    termlysessiondetailsoffrollorderseqcolumn,sourceid,sessions,attendancereason";
const EXCLUSIONS: &str = "\
    pupilonrolltableid,NativeId,termlyexclusionsonrolltableid,\
    termlyexclusionsonrollorderseqcolumn,sourceid,startdate,sessions,reason1,reason2,\
    reason3,category,senprovision";
const EXCLUSIONS_OFF: &str = "\
    pupilnolongeronrolltableid,NativeId,termlyexclusionsoffrolltableid,\
    termlyexclusionsoffrollorderseqcolumn,sourceid,startdate,sessions,reason1,reason2,\
    reason3,category,senprovision";
const AUTUMN_MEALS: &str = "\
    pupilonrolltableid,NativeId,fsmperiodsonrolltableid,fsmperiodsonrollorderseqcolumn,\
    sourceid,fsmstartdate,fsmenddate,ukcountry";
const AUTUMN_ADDRESSES: &str = "\
    addressesonrolltableid,NativeId,addressesonrollorderseqcolumn,sourceid,\
    pupilonrolltableid,uniquepropertyreferencenumber,postcode,saon,paon,street,locality,\
    town,administrativearea,posttown,addressline1,addressline2,addressline3,addressline4,\
    addressline5";
const AUTUMN_ADDRESSES_OFF: &str = "\
    pupilnolongeronrolltableid,NativeId,addressesoffrolltableid,\
    addressesoffrollorderseqcolumn,sourceid,uniquepropertyreferencenumber,postcode";
const HALF_TERM: &str = "\
    pupilonrolltableid,NativeId,summerhalfterm2sessiondetailsonrolltableid,\
    summerhalfterm2sessiondetailsonrollorderseqcolumn,sourceid,sessions,attendancereason";
const HALF_TERM_OFF: &str = "\
    pupilnolongeronrolltableid,NativeId,summerhalfterm2sessiondetailsoffrolltableid,\
    summerhalfterm2sessiondetailsoffrollorderseqcolumn,sourceid,sessions,attendancereason";
const MEALS: &str = "\
    pupilonrolltableid,NativeId,fsmperiodtableid,fsmperiodorderseqcolumn,sourceid,\
    fsmstartdate,fsmenddate,ukcountry";
const NEEDS: &str = "\
    pupilonrolltableid,NativeId,senneedstableid,senneedsorderseqcolumn,sourceid,sentyperank,\
    sentype";
const ADDRESSES: &str = "\
    addressestableid,NativeId,addressesorderseqcolumn,sourceid,pupilonrolltableid,\
    uniquepropertyreferencenumber,postcode,saon,paon,street,locality,town,\
    administrativearea,posttown,addressline1,addressline2,addressline3,addressline4,\
    addressline5";

/// A table, whatever its file is called in a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Pupils,
    Leavers,
    Sessions,
    SessionsOff,
    HalfTerm,
    HalfTermOff,
    Exclusions,
    ExclusionsOff,
    Meals,
    Needs,
    Addresses,
    AddressesOff,
}

/// One table of one term.
pub(crate) struct Layout {
    pub(super) table: Table,
    /// The file's name, without the term before it and the ending.
    pub(crate) name: &'static str,
    /// The header.
    pub(crate) columns: &'static str,
}

const fn layout(table: Table, name: &'static str, columns: &'static str) -> Layout {
    Layout { table, name, columns }
}

const AUTUMN: &[Layout] = &[
    layout(Table::Pupils, "pupilonroll", AUTUMN_PUPILS),
    layout(Table::Leavers, "pupilnolongeronroll", AUTUMN_LEAVERS),
    layout(Table::Sessions, "termlysessiondetailsonroll", SESSIONS),
    layout(Table::SessionsOff, "termlysessiondetailsoffroll", SESSIONS_OFF),
    layout(Table::HalfTerm, "summerhalfterm2sessiondetailsonroll", HALF_TERM),
    layout(Table::HalfTermOff, "summerhalfterm2sessiondetailsoffroll", HALF_TERM_OFF),
    layout(Table::Exclusions, "termlyexclusionsonroll", EXCLUSIONS),
    layout(Table::ExclusionsOff, "termlyexclusionsoffroll", EXCLUSIONS_OFF),
    layout(Table::Meals, "fsmperiodsonroll", AUTUMN_MEALS),
    layout(Table::Addresses, "addressesonroll", AUTUMN_ADDRESSES),
    layout(Table::AddressesOff, "addressesoffroll", AUTUMN_ADDRESSES_OFF),
];

const SPRING: &[Layout] = &[
    layout(Table::Pupils, "pupilonroll", SPRING_PUPILS),
    layout(Table::Leavers, "pupilnolongeronroll", SPRING_LEAVERS),
    layout(Table::Sessions, "termlysessiondetailsonroll", SESSIONS),
    layout(Table::SessionsOff, "termlysessiondetailsoffroll", SESSIONS_OFF),
    layout(Table::Exclusions, "termlyexclusionsonroll", EXCLUSIONS),
    layout(Table::ExclusionsOff, "termlyexclusionsoffroll", EXCLUSIONS_OFF),
    layout(Table::Meals, "fsmperiod", MEALS),
    layout(Table::Needs, "senneeds", NEEDS),
    layout(Table::Addresses, "addresses", ADDRESSES),
];

const SUMMER: &[Layout] = &[
    layout(Table::Pupils, "pupilonroll", SUMMER_PUPILS),
    layout(Table::Leavers, "pupilnolongeronroll", SUMMER_LEAVERS),
    layout(Table::Sessions, "termlysessiondetailsonroll", SESSIONS),
    layout(Table::SessionsOff, "termlysessiondetailsoffroll", SESSIONS_OFF),
    layout(Table::Exclusions, "termlyexclusionsonroll", EXCLUSIONS),
    layout(Table::ExclusionsOff, "termlyexclusionsoffroll", EXCLUSIONS_OFF),
    layout(Table::Meals, "fsmperiod", MEALS),
    layout(Table::Addresses, "addresses", ADDRESSES),
];

/// The tables of the three terms, each in the order in which its pieces stand.
pub(crate) const TABLES: [&[Layout]; 3] = [AUTUMN, SPRING, SUMMER];

/// Each term and the calendar year that it is in.
pub(crate) const NAMES: [(&str, i32); 3] = [("autumn", 2024), ("spring", 2025), ("summer", 2025)];
