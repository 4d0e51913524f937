"""Counts a small made-up council from its raw files, apart from the program: who each child is, told by name, and what
the services say of them. Prints one line a child: on roll, sex, SEN, ethnicity, year, meal periods, episodes, referrals,
plans, missing episodes. Reads no configuration and knows nothing of keys.

A name is one child's in these councils. Where a file has no names, its numbers lead to them.
"""
import csv, glob, os, sys, unicodedata
import xml.etree.ElementTree as ET

root = sys.argv[1]


def name(surname, forename):
    """A name without case, accents and signs."""
    plain = unicodedata.normalize("NFKD", (surname + "|" + forename).replace("Ł", "L").replace("ł", "l"))
    return "".join(c for c in plain.casefold() if c.isalnum() or c == "|")


def rows(pattern):
    for path in sorted(glob.glob(os.path.join(root, pattern))):
        with open(path, encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file)


def number(text):
    """A service's number without leading zeros; none for a word that stands in its place."""
    text = text.strip().lstrip("0").upper()
    return None if text in ("", "N/A", "UNKNOWN", "-") else text


class Child:
    def __init__(self):
        self.on_roll = False
        self.said = {}
        self.meals, self.episodes, self.referrals, self.plans = set(), set(), set(), 0
        self.missing = 0


children = {}
by_upn, by_service = {}, {}


def child(key):
    return children.setdefault(key, Child())


# The register, term by term: who has which number, and what is known latest. Of two rows in a term the main one counts.
RANK = "CMFSO"
for term in ("2024-autumn", "2025-spring", "2025-summer"):
    chosen, called = {}, {}
    for row in rows(f"school_census/{term}/*pupilonroll*.csv"):
        key = name(row["surname"], row["forename"])
        child(key).on_roll = True
        called[row["pupilonrolltableid"]] = key
        for upn in filter(None, (row["upn"], row["formerupn"])):
            by_upn.setdefault(upn, set()).add(key)
        rank = RANK.index(row["enrolstatus"])
        if key not in chosen or rank < chosen[key][0]:
            chosen[key] = (rank, row)
    for key, (_, row) in chosen.items():
        for column in ("sex", "senprovision", "ethnicity", "ncyearactual"):
            if row.get(column):
                child(key).said[column] = row[column]
    for row in rows(f"school_census/{term}/*fsm*.csv"):
        child(called[row["pupilonrolltableid"]]).meals.add(row["fsmstartdate"])


def of_upn(upn):
    """The one child of a pupil number."""
    known = by_upn.get(upn, set())
    return next(iter(known)) if len(known) == 1 else None


# Looked-after children: the header says which pupil a number is.
for year in ("2023-24", "2024-25"):
    for row in rows(f"ssda903/{year}/header.csv"):
        key = of_upn(row["UPN"]) or by_service.get(number(row["CHILD"])) or "903|" + number(row["CHILD"])
        by_service[number(row["CHILD"])] = key
        child(key)
    for row in rows(f"ssda903/{year}/episodes.csv"):
        child(by_service[number(row["CHILD"])]).episodes.add((row["DECOM"], row["RNE"]))

# Children in need: no names, the numbers of the looked-after service.
for path in sorted(glob.glob(os.path.join(root, "cin/*/*.xml"))):
    for element in ET.parse(path).getroot().iter("Child"):
        ids = element.find("ChildIdentifiers")
        own = number(ids.findtext("LAchildID") or "")
        key = of_upn(ids.findtext("UPN") or "") or by_service.get(own) or "903|" + own
        by_service[own] = key
        for details in element.iter("CINdetails"):
            child(key).referrals.add(details.findtext("CINreferralDate"))

# Plans: by name, whether or not there is a pupil number.
for path in sorted(glob.glob(os.path.join(root, "sen2/*/*.xml"))):
    for person in ET.parse(path).getroot().iter("Person"):
        key = name(person.findtext("Surname"), person.findtext("Forename"))
        child(key).plans += len(list(person.iter("ActivePlansRecord")))

# The police: by name alone; the reference is the incident's.
for row in rows("missing/*/*.csv"):
    child(name(row["surname"], row["forename"])).missing += 1

# Early help: whom it knows is a child too.
for row in rows("early_help/*/*.csv"):
    child(name(row["surname"], row["forename"]))

out = []
for one in children.values():
    said = [one.said.get(column, "") for column in ("sex", "senprovision", "ethnicity", "ncyearactual")]
    counts = [len(one.meals), len(one.episodes), len(one.referrals), one.plans, one.missing]
    out.append(",".join(["true" if one.on_roll else "false", *said, *map(str, counts)]))
print("\n".join(sorted(out)))
