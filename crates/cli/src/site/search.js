(() => {
  const search = document.getElementById("search");
  const words = document.getElementById("words");
  const found = document.getElementById("found");
  const all = [...document.querySelectorAll("[data-words]")];
  const look = () => {
    const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of all) {
      one.hidden = !asked.every((word) => one.dataset.words.includes(word));
      shown += one.hidden ? 0 : 1;
    }
    found.textContent = asked.length ? `${shown} of ${all.length} found` : "";
  };
  words.addEventListener("input", look);
  search.hidden = false;
  look();
})();
