/* Django names each search field of its two lists by a picture drawn in CSS, on an element that may carry no name. As a
   picture it may. Lists are drawn when the page is loaded, and again for each part that is added to a form later. */
'use strict';
{
    const draw = window.SelectFilter.init;
    window.SelectFilter.init = function(...given) {
        draw.apply(this, given);
        for (const icon of document.querySelectorAll('.selector .search-label-icon[aria-label]')) {
            icon.setAttribute('role', 'img');
        }
    };
}
