// What the levers say goes to the server once they rest, and never while an answer is being made:
// then the last setting waits, so that no older answer can follow a newer one.
(function () {
  "use strict";
  const REST = 60; // ms without a movement
  let serial = 0, timer = null, awaiting = false, again = false;
  const levers = () => document.getElementById("levers");

  function later(ms) {
    document.body.classList.add("oa-waiting");
    clearTimeout(timer);
    timer = setTimeout(function () { timer = null; send(); }, ms);
  }

  function send() {
    if (awaiting) { again = true; return; }
    const told = { serial: ++serial };
    for (const one of levers().querySelectorAll("[data-lever]")) told[one.dataset.lever] = one.value;
    told.total_gbp = Math.round(Number(told.total_mgbp) * 1e6);
    if (told.total_mgbp === "") told.total_gbp = null;
    awaiting = true;
    again = false;
    Shiny.setInputValue("setting", told, { priority: "event" });
  }

  function moved(event) {
    const pair = event.target.dataset.pair && document.getElementById(event.target.dataset.pair);
    if (pair) pair.value = event.target.value;
    if (!event.target.dataset.lever && !pair) return;
    const out = document.getElementById("horizon-years");
    out.textContent = document.getElementById("horizon").value + " years";
    later(REST);
  }

  function answered(told) {
    awaiting = false;
    if (again) { send(); return; }
    if (timer !== null || told.serial !== serial) return; // a lever has moved since: what is old already is not shown
    document.getElementById("answer").innerHTML = told.html;
    document.getElementById("said").textContent = told.said;
    document.getElementById("answer").dataset.serial = told.serial;
    document.body.classList.remove("oa-waiting");
    document.body.dataset.answers = Number(document.body.dataset.answers || 0) + 1;
  }

  function save() {
    const told = { name: document.getElementById("name").value, over: document.getElementById("over").checked };
    for (const one of levers().querySelectorAll("[data-lever]")) told[one.dataset.lever] = one.value;
    told.total_gbp = told.total_mgbp === "" ? null : Math.round(Number(told.total_mgbp) * 1e6);
    Shiny.setInputValue("save", told, { priority: "event" });
  }

  function back() {
    levers().reset();
    const out = document.getElementById("horizon-years");
    out.textContent = document.getElementById("horizon").value + " years";
    later(0);
  }

  document.addEventListener("DOMContentLoaded", function () {
    levers().addEventListener("input", moved);
    levers().addEventListener("submit", function (event) { event.preventDefault(); save(); });
    document.getElementById("back").addEventListener("click", back);
    Shiny.addCustomMessageHandler("answer", answered);
    Shiny.addCustomMessageHandler("saved", function (told) { document.getElementById("saved").innerHTML = told.html; });
    $(document).on("shiny:connected", function () { later(0); });
    $(document).on("shiny:disconnected", function () {
      document.body.classList.add("oa-waiting");
      document.getElementById("said").textContent = "";
      document.getElementById("saved").textContent = "The explorer has ended: start it again and load this page anew.";
    });
  });
})();
